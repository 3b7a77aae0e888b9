/* Modules side by side: a hot one is opened, the highest cell of each is drained, their currents are one. */
#define BUSBAR_MODULES 3
#include "busbar_bms.h"

static busbar b;

int main(void) {
    busbar_begin(&b, "modules", true);
    while (busbar_next(&b)) {
        double current_A = 0;
        for (unsigned m = 0; m < b.modules; m++) {
            unsigned highest = 0;
            for (unsigned i = 1; i < b.cells; i++) highest = b.cells_V[m][i] > b.cells_V[m][highest] ? i : highest;
            for (unsigned i = 0; i < b.cells; i++) b.balance_A[m][i] = i == highest ? 0.1 : 0;
            b.contactor[m] = b.temperatures_C[m][0] < 60;
            current_A += b.current_A[m];
        }
        busbar_measurements(&b, b.terminal_V, current_A, 20);
        busbar_state(&b, "modules", b.modules);
    }
    return 0;
}
