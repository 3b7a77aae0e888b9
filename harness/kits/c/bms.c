/* A battery of LFP cells that does what the protocol asks for; with --follow its CVL is the voltage minus 0.2 V. */
#include "busbar_bms.h"

#define CAPACITY 280.0
#define CHARGE 140.0
#define CHARGE_FULL 28.0
#define DISCHARGE 200.0
#define KIND(name) (1u << BUSBAR_##name)
#define IF(holds, name) ((holds) ? KIND(name) : 0u)
#define ALL (2u * KIND(IMBALANCE) - 2u)
#define NO_GX 0 /* opens the contactor too, and has no alarm */

static busbar b;
static double t, soc = 50, charged, discharged, full_for, mean, cvl, wanted, excess, next_cvl, heard, ccl, cold, hot;
static double since[BUSBAR_KINDS];
static unsigned turns, beyond[BUSBAR_KINDS], tripped, low_samples, apart;
static bool stepped, empty, blind;

static double held(double value, double low, double high) { return fmin(high, fmax(low, value)); }

/* Opens the contactor after so many samples beyond a level, for 10 s at least, until it is released. */
static void trip(unsigned kind, unsigned samples, bool is_beyond, bool released, double retry) {
    beyond[kind] = is_beyond ? beyond[kind] + 1 : 0;
    if (!(tripped >> kind & 1)) {
        if (beyond[kind] >= samples) tripped |= 1u << kind, since[kind] = t;
    } else if (!is_beyond && t - since[kind] >= 10 && (released || t - since[kind] >= retry)) {
        tripped &= ~(1u << kind);
    }
}

/* State of charge by counting, put right where the battery shows that it is full or empty. */
static void count(double dt, double low, double high) {
    double counted = soc + b.current_A * dt / 36 / CAPACITY, energy = b.pack_V * b.current_A * dt / 3600;
    full_for = b.contactor && high >= 3.38 && fabs(b.current_A) <= 0.03 * CAPACITY ? full_for + dt : 0;
    if (full_for >= 60) counted = fmax(counted, soc + dt / 60);
    else if (low <= 2.80) counted = fmin(counted, soc - dt / 60);
    else counted = fmin(counted, fmax(soc, 99));
    soc = held(counted, 0, 100);
    charged += fmax(0, energy), discharged += fmax(0, -energy);
}

/* CVL: a slow loop holds the highest cell between 3.39 and 3.47 V; one step down where charge is too fast. */
static void regulate(double dt, double high) {
    double above = fmax(0, (mean = high + exp(-dt / 10) * (mean - high)) - 3.47);
    double stop = b.pack_V - fmax(0, b.current_A) * 0.00022 * b.cells;
    bool before = stepped;
    stepped = high >= 3.45 && (stepped || high >= 3.49);
    if (stepped && !before && stop < cvl) {
        wanted = stop;
    } else if (t >= next_cvl && b.contactor) {
        bool loaded = b.current_A < -0.1 * CAPACITY; /* then no cell shows how full it is */
        double change = (loaded ? 0 : 0.3 * fmax(0, 3.39 - mean)) - 0.3 * above - 4 * (above - excess);
        if (above > 0) wanted = fmin(wanted, b.pack_V);
        wanted += mean < 3.36 && !loaded ? 0.1 : held(change, -0.4, 0.1);
    } else {
        return;
    }
    wanted = held(wanted, 3.25 * b.cells, 3.50 * b.cells);
    if (fabs(wanted - cvl) >= 0.075) cvl = floor(wanted * 10 + 0.5) / 10;
    excess = above, next_cvl = t + 24;
}

/* CCL falls with a high cell, cold and heat, and stays above 0 while full; DCL is all or nothing. */
static void limit(double low) {
    low_samples = low <= 2.80 ? low_samples + 1 : 0;
    empty = empty ? low < 3.10 || soc < 3 : low_samples >= 5;
    if (turns % 10 == 0) {
        double share = fmin(held(0.1 + 0.09 * cold, 0.1, 1), held(1 - 0.09 * (hot - 45), 0.1, 1));
        double full = CHARGE - (CHARGE - CHARGE_FULL) * held((mean - 3.45) / 0.10, 0, 1);
        double charge = cold < 0 || hot > 60 ? 0 : floor(fmin(CHARGE * share, full) + 0.5);
        if (charge == 0 || fabs(charge - ccl) >= 2) ccl = charge;
    }
    bool no_charge = tripped & (KIND(HIGH_VOLTAGE) | KIND(HIGH_CHARGE_CURRENT) | KIND(SHORT_CIRCUIT) | KIND(INTERNAL));
    bool no_discharge = tripped & (KIND(LOW_VOLTAGE) | KIND(HIGH_CURRENT) | KIND(SHORT_CIRCUIT) | KIND(INTERNAL));
    busbar_limits(&b, cvl, no_charge ? 0 : ccl, empty || no_discharge || cold <= -20 ? 0 : DISCHARGE, 2.80 * b.cells);
}

static void tick(bool follow) {
    double dt = b.switched_on ? 0 : b.t_us / 1e6 - t, coldest = INFINITY, hottest = -INFINITY;
    unsigned low_cell = 0, high_cell = 0, believed = 0;
    t = b.t_us / 1e6;
    for (unsigned i = 1; i < b.cells; i++) {
        if (b.cells_V[i] < b.cells_V[low_cell]) low_cell = i;
        if (b.cells_V[i] > b.cells_V[high_cell]) high_cell = i;
    }
    double low = b.cells_V[low_cell], high = b.cells_V[high_cell];
    for (unsigned i = 0; i < b.sensors; i++) {
        if (b.temperatures_C[i] < -45 || b.temperatures_C[i] > 120) continue;
        coldest = fmin(coldest, b.temperatures_C[i]), hottest = fmax(hottest, b.temperatures_C[i]), believed++;
    }
    if (believed) cold = coldest, hot = hottest;
    blind = believed < b.sensors;
    if (b.switched_on) { /* what the firmware keeps is its state of charge and its counters */
        if (sscanf(b.memory, "[%lf,%lf,%lf]", &soc, &charged, &discharged) < 0) soc = 50;
        if (!isnan(b.soc_pct)) soc = b.soc_pct;
        cvl = wanted = 3.50 * b.cells, mean = high, next_cvl = heard = t, tripped = turns = 0, ccl = CHARGE;
        memset(beyond, 0, sizeof beyond);
    }
    for (unsigned i = 0; i < b.heard; i++) heard = b.frames[i].id == 0x305 ? t : heard;
    apart = b.closed != b.contactor ? apart + 1 : 0;
    trip(BUSBAR_HIGH_VOLTAGE, 3, high >= 3.65, high <= 3.45, 600);
    trip(BUSBAR_LOW_VOLTAGE, 3, low <= 2.50, low >= 2.90 || b.terminal_V > b.pack_V + 1, 600);
    trip(BUSBAR_HIGH_CHARGE_CURRENT, 5, b.current_A > 180, false, 60);
    trip(BUSBAR_HIGH_CURRENT, 5, b.current_A < -260, false, 60);
    trip(BUSBAR_HIGH_TEMPERATURE, 3, hot >= 60, hot <= 50, INFINITY);
    trip(BUSBAR_SHORT_CIRCUIT, 1, b.short_circuit, false, 60);
    trip(BUSBAR_INTERNAL, 3, b.self_test_failed, true, 0);
    trip(NO_GX, 1, t - heard >= 900, true, 0);
    b.contactor = !tripped;
    count(dt, low, high);
    regulate(dt, high);
    if (follow) cvl = b.pack_V - 0.2;
    limit(low);
    busbar_state_of_charge(&b, soc, 100);
    busbar_measurements(&b, b.pack_V, b.current_A, (cold + hot) / 2);
    unsigned alarms = (tripped & ALL) | IF(cold <= -20, LOW_TEMPERATURE) | IF(hot > 60, HIGH_TEMPERATURE_CHARGE) |
                      IF(cold < 0, LOW_TEMPERATURE_CHARGE) | IF(apart >= 3, CONTACTOR) | IF(blind, INTERNAL) |
                      IF(high - low >= 0.3, IMBALANCE);
    unsigned warnings = IF(high >= 3.60, HIGH_VOLTAGE) | IF(low <= 2.80, LOW_VOLTAGE) | IF(hot >= 55, HIGH_TEMPERATURE);
    busbar_alarms(&b, alarms, warnings, ALL, KIND(HIGH_VOLTAGE) | KIND(LOW_VOLTAGE) | KIND(HIGH_TEMPERATURE), b.closed);
    busbar_cells(&b, low, high, cold, hot);
    if (turns++ % 10 == 0) {
        char name[8];
        for (unsigned i = 0; i < b.cells; i++)
            b.balance_A[i] = b.cells_V[i] >= 3.37 && b.cells_V[i] - low >= 0.01 ? 0.15 : 0;
        busbar_text(&b, 0x35E, "BusbarC");
        busbar_identity(&b, 0, 1, 0, b.contactor ? CAPACITY : 0);
        busbar_modules(&b, b.contactor, 0xFFFF, 0xFFFF, !b.contactor);
        snprintf(name, sizeof name, "%u", low_cell + 1), busbar_text(&b, 0x374, name);
        snprintf(name, sizeof name, "%u", high_cell + 1), busbar_text(&b, 0x375, name);
        busbar_text(&b, 0x376, "T1"), busbar_text(&b, 0x377, "T2");
        busbar_energy(&b, charged, discharged), busbar_installed_capacity(&b, CAPACITY);
        busbar_long_text(&b, 0x380, "BC0001");
    }
    snprintf(b.memory, sizeof b.memory, "[%.4f,%.1f,%.1f]", soc, charged, discharged);
    busbar_state(&b, "soc", soc), busbar_state(&b, "wanted", wanted);
}

int main(int count, char **arguments) {
    busbar_begin(&b, "Busbar C example 1.0", true);
    while (busbar_next(&b)) tick(count > 1 && !strcmp(arguments[1], "--follow"));
    return 0;
}
