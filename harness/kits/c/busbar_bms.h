/* A battery management system in C as a battery of Busbar: the protocol `busbar-bms/1` of docs/program.md.
 *
 *     #include "busbar_bms.h"
 *     static busbar b;
 *     int main(void) {
 *         busbar_begin(&b, "acme 2.1", true);
 *         while (busbar_next(&b)) {
 *             if (b.switched_on) firmware_init();
 *             firmware_tick();  // reads b.cells_V, b.frames, ...; calls busbar_limits(&b, ...); sets b.contactor
 *         }
 *         return 0;
 *     }
 *
 * One header, C99, standard library only, nothing is allocated. Time is that of the simulated world: `b.t_us` counts
 * microseconds since the start of the case, and a turn takes no time. Read no clock and never sleep. Standard output
 * belongs to the protocol: print to standard error. Do not call setlocale: numbers are written with a point.
 *
 * A battery of several modules side by side (`modules:` of the battery file) defines the most that it manages:
 *
 *     #define BUSBAR_MODULES 4
 *     #include "busbar_bms.h"
 *
 * Then `cells_V`, `temperatures_C`, `current_A`, `pack_V`, `closed`, `contactor` and `balance_A` have an index more, the
 * first: `b.cells_V[m][i]`, `b.contactor[m]`, for each `m` below `b.modules`, which may also be 1. */
#ifndef BUSBAR_BMS_H
#define BUSBAR_BMS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes, to be set before this header is included where they are too small. */
#ifndef BUSBAR_CELLS
#define BUSBAR_CELLS 256
#endif
#ifndef BUSBAR_SENSORS
#define BUSBAR_SENSORS 16
#endif
#ifndef BUSBAR_HEARD /* frames between two turns; later ones are counted in `missed` */
#define BUSBAR_HEARD 1024
#endif
#ifndef BUSBAR_SENT /* frames of one turn */
#define BUSBAR_SENT 64
#endif
#ifndef BUSBAR_TEXT /* memory, state and log, bytes each */
#define BUSBAR_TEXT 1024
#endif

#ifdef BUSBAR_MODULES
#define BUSBAR__EACH [BUSBAR_MODULES]
#else
#define BUSBAR_MODULES 1
#define BUSBAR__EACH
#endif

/* Alarms of 0x35A (P 2), by the place of their two bits; warnings have the same places four bytes later. */
enum {
    BUSBAR_HIGH_VOLTAGE = 1, BUSBAR_LOW_VOLTAGE, BUSBAR_HIGH_TEMPERATURE, BUSBAR_LOW_TEMPERATURE,
    BUSBAR_HIGH_TEMPERATURE_CHARGE, BUSBAR_LOW_TEMPERATURE_CHARGE, BUSBAR_HIGH_CURRENT, BUSBAR_HIGH_CHARGE_CURRENT,
    BUSBAR_CONTACTOR, BUSBAR_SHORT_CIRCUIT, BUSBAR_INTERNAL, BUSBAR_IMBALANCE, BUSBAR_KINDS
};

typedef struct {
    uint64_t t_us; /* heard: when */
    uint32_t id;
    bool extended; /* 29 bits */
    uint8_t length, data[8];
} busbar_frame;

typedef struct {
    /* Of the case, set by busbar_begin. */
    unsigned modules, cells, sensors; /* cells in series and sensors of each module */
    uint64_t seed;
    double soc_pct;           /* how full the battery is to believe that it is; NAN after a loss of supply */
    double capacity_Ah;       /* as the battery file declares it */
    char memory[BUSBAR_TEXT]; /* what survives a loss of supply and the end of a case: any JSON value on one line */
    /* Of the turn, set by busbar_next. */
    bool switched_on; /* the first turn, or the first after a loss of supply */
    uint64_t t_us;
    double cells_V BUSBAR__EACH[BUSBAR_CELLS], temperatures_C BUSBAR__EACH[BUSBAR_SENSORS];
    double current_A BUSBAR__EACH; /* positive charges */
    double pack_V BUSBAR__EACH;    /* on the battery's side of the contactor */
    double terminal_V;             /* on the side of the bus */
    bool closed BUSBAR__EACH;      /* what the contactor really does */
    bool self_test_failed, short_circuit;
    char bus[16];  /* state of the CAN controller, "ok" */
    unsigned lost; /* frames that nobody acknowledged */
    busbar_frame frames[BUSBAR_HEARD];
    unsigned heard, missed;
    /* Of the answer, set by you; they stay as they are until you change them. */
    bool contactor BUSBAR__EACH, wake;
    uint32_t next_us; /* until the next turn: 1 ms to 60 s */
    uint32_t gap_us;  /* between frames of a turn; less where the time to the next turn is too short */
    double balance_A BUSBAR__EACH[BUSBAR_CELLS]; /* drains a cell where positive */
    /* Of the answer, appended to by the functions below. */
    busbar_frame sent[BUSBAR_SENT];
    unsigned sends;
    char log[BUSBAR_TEXT], state[BUSBAR_TEXT];
    /* Its own. */
    int next_char;
    bool due;
} busbar;

/* ---- What the battery says (P 2); numbers are rounded to the step of the wire and held within its range. */

static inline void busbar_send(busbar *b, uint32_t id, const void *data, unsigned length) {
    if (b->sends == BUSBAR_SENT || length > 8) {
        fprintf(stderr, "busbar: frame 0x%X left out: %u bytes, after %u frames\n", (unsigned)id, length, b->sends);
        return;
    }
    busbar_frame *frame = &b->sent[b->sends++];
    memset(frame, 0, sizeof *frame);
    frame->id = id;
    frame->extended = id > 0x7FF;
    frame->length = (uint8_t)length;
    memcpy(frame->data, data, length);
}

static inline void busbar__le(uint8_t *at, double value, double low, double high, unsigned bytes) {
    double held = value < low ? low : value > high ? high : value;
    uint32_t raw = (uint32_t)(int64_t)floor(held + 0.5);
    for (unsigned i = 0; i < bytes; i++) at[i] = (uint8_t)(raw >> (8 * i));
}
static inline void busbar__u16(uint8_t *at, double value) { busbar__le(at, value, 0, 0xFFFF, 2); }
static inline void busbar__s16(uint8_t *at, double value) { busbar__le(at, value, -0x8000, 0x7FFF, 2); }

/* 0x351: charge voltage limit, charge and discharge current limit, discharge voltage. */
static inline void busbar_limits(busbar *b, double cvl_V, double ccl_A, double dcl_A, double discharge_V) {
    uint8_t d[8];
    busbar__u16(d, cvl_V * 10), busbar__u16(d + 2, ccl_A * 10), busbar__u16(d + 4, dcl_A * 10);
    busbar__u16(d + 6, discharge_V * 10);
    busbar_send(b, 0x351, d, 8);
}

/* 0x355: state of charge, also in steps of 0.01 %, and state of health. */
static inline void busbar_state_of_charge(busbar *b, double soc_pct, double soh_pct) {
    uint8_t d[6];
    busbar__u16(d, soc_pct), busbar__u16(d + 2, soh_pct), busbar__u16(d + 4, soc_pct * 100);
    busbar_send(b, 0x355, d, 6);
}

/* 0x356: voltage, current (positive charges), temperature. */
static inline void busbar_measurements(busbar *b, double pack_V, double current_A, double temperature_C) {
    uint8_t d[6];
    busbar__s16(d, pack_V * 100), busbar__s16(d + 2, current_A * 10), busbar__s16(d + 4, temperature_C * 10);
    busbar_send(b, 0x356, d, 6);
}

/* 0x35A: sets (bit `1u << BUSBAR_…`) of alarms and warnings that are active, and of those that are supported at all;
 * whether the main switch is closed. A pair says 01 active, 10 inactive, 00 not supported. */
static inline void busbar_alarms(busbar *b, unsigned active, unsigned warnings, unsigned supported,
                                 unsigned supported_warnings, bool online) {
    uint8_t d[8] = {0};
    for (unsigned kind = 1; kind < BUSBAR_KINDS; kind++) {
        unsigned at = kind / 4, shift = kind % 4 * 2;
        if (supported >> kind & 1) d[at] |= (uint8_t)((active >> kind & 1 ? 1 : 2) << shift);
        if (supported_warnings >> kind & 1) d[at + 4] |= (uint8_t)((warnings >> kind & 1 ? 1 : 2) << shift);
    }
    d[7] |= (uint8_t)((online ? 2 : 1) << 2);
    busbar_send(b, 0x35A, d, 8);
}

/* 0x35E manufacturer, 0x374 to 0x377 names of cells and sensors, 0x382 family: up to 8 characters. */
static inline void busbar_text(busbar *b, uint32_t id, const char *text) {
    char d[8] = {0};
    for (unsigned i = 0; i < 8 && text[i]; i++) d[i] = text[i];
    busbar_send(b, id, d, 8);
}

/* 0x370 and 0x371 name, 0x380 and 0x381 serial number: two frames, up to 16 characters. */
static inline void busbar_long_text(busbar *b, uint32_t first_id, const char *text) {
    busbar_text(b, first_id, text);
    busbar_text(b, first_id + 1, strlen(text) > 8 ? text + 8 : "");
}

/* 0x35F: model, firmware version, capacity that is online. */
static inline void busbar_identity(busbar *b, unsigned model, uint8_t major, uint8_t minor, double online_Ah) {
    uint8_t d[6];
    busbar__u16(d, model), d[2] = major, d[3] = minor, busbar__u16(d + 4, online_Ah);
    busbar_send(b, 0x35F, d, 6);
}

/* 0x360: asks for charge. */
static inline void busbar_force_charge(busbar *b, bool on) {
    uint8_t d = on ? 0xFF : 0;
    busbar_send(b, 0x360, &d, 1);
}

/* 0x372: modules that are online, block charge, block discharge, are offline; 0xFFFF where a battery cannot say. */
static inline void busbar_modules(busbar *b, unsigned online, unsigned no_charge, unsigned no_discharge,
                                  unsigned offline) {
    uint8_t d[8];
    busbar__u16(d, online), busbar__u16(d + 2, no_charge);
    busbar__u16(d + 4, no_discharge), busbar__u16(d + 6, offline);
    busbar_send(b, 0x372, d, 8);
}

/* 0x373: lowest and highest cell, coldest and warmest. */
static inline void busbar_cells(busbar *b, double lowest_V, double highest_V, double coldest_C, double warmest_C) {
    uint8_t d[8];
    busbar__u16(d, lowest_V * 1000), busbar__u16(d + 2, highest_V * 1000);
    busbar__u16(d + 4, coldest_C + 273.15), busbar__u16(d + 6, warmest_C + 273.15);
    busbar_send(b, 0x373, d, 8);
}

/* 0x378: energy charged and discharged since ever; on the wire it is counted in 100 Wh. */
static inline void busbar_energy(busbar *b, double in_Wh, double out_Wh) {
    uint8_t d[8];
    busbar__le(d, floor(in_Wh / 100), 0, 0xFFFFFFFF, 4), busbar__le(d + 4, floor(out_Wh / 100), 0, 0xFFFFFFFF, 4);
    busbar_send(b, 0x378, d, 8);
}

/* 0x379: capacity of all modules, online or not. */
static inline void busbar_installed_capacity(busbar *b, double capacity_Ah) {
    uint8_t d[2];
    busbar__u16(d, capacity_Ah);
    busbar_send(b, 0x379, d, 2);
}

/* A line for the evidence of the case, stamped with the time of the turn. What does not fit is left out. */
static inline void busbar_log(busbar *b, const char *line) {
    size_t used = strlen(b->log), room = sizeof b->log - used;
    if (room < strlen(line) + 4) return;
    char *at = b->log + used;
    *at++ = used ? ',' : '"';
    if (used) *at++ = '"';
    for (; *line; line++) *at++ = *line == '"' || *line == '\\' || (unsigned char)*line < ' ' ? '\'' : *line;
    *at++ = '"', *at = 0;
}

/* A number of the firmware's inner state, drawn beside CVL. What does not fit is left out. */
static inline void busbar_state(busbar *b, const char *name, double value) {
    size_t used = strlen(b->state), room = sizeof b->state - used;
    int wrote = snprintf(b->state + used, room, "%s\"%s\":%.6g", used ? "," : "", name, value);
    if (wrote < 0 || (size_t)wrote >= room) b->state[used] = 0;
}

/* ---- The protocol. */

static inline void busbar__stop(int code, const char *what) {
    fprintf(stderr, "busbar: %s\n", what);
    exit(code);
}

static inline int busbar__char(busbar *b) {
    int now = b->next_char;
    b->next_char = getchar();
    if (now == EOF) busbar__stop(1, "the line of Busbar ends in the middle");
    return now;
}

static inline bool busbar__is(busbar *b, int wanted) {
    while (b->next_char == ' ' || b->next_char == ',' || b->next_char == '\t' || b->next_char == '\n') busbar__char(b);
    if (b->next_char != wanted) return false;
    busbar__char(b);
    return true;
}

/* A string without its quotes, or a number or word, as much of it as there is room for. */
static inline void busbar__scalar(busbar *b, char *text, size_t size) {
    size_t used = 0;
    bool quoted = busbar__is(b, '"');
    while (quoted ? b->next_char != '"' : strchr(",]} \n", b->next_char) == NULL) {
        int c = busbar__char(b);
        if (quoted && c == '\\') c = busbar__char(b);
        if (used + 1 < size) text[used++] = (char)c;
    }
    if (quoted) busbar__char(b);
    text[used] = 0;
}

/* Any value as it stands, into `text` where that is not NULL. */
static inline void busbar__raw(busbar *b, char *text, size_t size) {
    size_t used = 0;
    int depth = 0;
    bool quoted = false;
    while (quoted || depth > 0 || strchr(",]}\n", b->next_char) == NULL) {
        int c = busbar__char(b);
        if (text && used + 1 < size) text[used++] = (char)c;
        if (quoted && c == '\\') {
            c = busbar__char(b);
            if (text && used + 1 < size) text[used++] = (char)c;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted) {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    }
    if (text && used + 1 >= size) busbar__stop(1, "`memory` is longer than BUSBAR_TEXT");
    if (text) text[used] = 0;
}

static inline double busbar__number(const char *text) { return strcmp(text, "null") ? strtod(text, NULL) : NAN; }

static inline unsigned busbar__numbers(busbar *b, double *values, unsigned room) {
    char text[32];
    unsigned count = 0;
    for (busbar__is(b, '['); !busbar__is(b, ']'); count++) {
        busbar__scalar(b, text, sizeof text);
        if (count >= room) busbar__stop(1, "more cells or sensors than BUSBAR_CELLS or BUSBAR_SENSORS");
        values[count] = busbar__number(text);
    }
    return count;
}

/* Lists of numbers, one for each module, `room` apart; returns how many are in the last. */
static inline unsigned busbar__lists(busbar *b, double *values, unsigned room) {
    unsigned count = 0;
    bool several = b->modules > 1 && busbar__is(b, '[');
    for (unsigned m = 0; m < b->modules; m++) count = busbar__numbers(b, values + m * room, room);
    if (several) busbar__is(b, ']');
    return count;
}

/* Numbers, or words that are true or false, one for each module. */
static inline void busbar__each(busbar *b, double *values, bool *yes) {
    char text[32];
    bool several = b->modules > 1 && busbar__is(b, '[');
    for (unsigned m = 0; m < b->modules; m++) {
        busbar__scalar(b, text, sizeof text);
        if (values) values[m] = busbar__number(text);
        if (yes) yes[m] = text[0] == 't';
    }
    if (several) busbar__is(b, ']');
}

/* The first of what is there once or once for each module. */
static inline double *busbar__doubles(void *first) { return (double *)first; }
static inline bool *busbar__bools(void *first) { return (bool *)first; }

static inline void busbar__frame(busbar *b) {
    char key[16], text[32];
    busbar_frame frame = {0, 0, false, 0, {0}};
    while (!busbar__is(b, '}')) {
        busbar__scalar(b, key, sizeof key), busbar__is(b, ':'), busbar__is(b, ' ');
        busbar__scalar(b, text, sizeof text);
        if (!strcmp(key, "t")) frame.t_us = strtoull(text, NULL, 10);
        if (!strcmp(key, "id")) frame.id = (uint32_t)strtoul(text, NULL, 0);
        if (!strcmp(key, "ext")) frame.extended = text[0] == 't';
        for (unsigned i = 0; !strcmp(key, "data") && i < 8 && text[2 * i] && text[2 * i + 1]; i++) {
            char byte[3] = {text[2 * i], text[2 * i + 1], 0};
            frame.data[frame.length++] = (uint8_t)strtoul(byte, NULL, 16);
        }
    }
    if (b->heard < BUSBAR_HEARD) b->frames[b->heard++] = frame;
    else b->missed++;
}

/* Reads one message into `b`; `what` becomes the key that says what it is, `text` its value. */
static inline void busbar__message(busbar *b, char *what, char *said, size_t size) {
    char key[24], text[256];
    if (b->next_char == 0) b->next_char = getchar();
    what[0] = said[0] = 0;
    b->self_test_failed = b->short_circuit = false;
    b->heard = b->missed = 0;
    while (b->next_char == '\n') b->next_char = getchar();
    if (b->next_char == EOF) exit(0); /* nobody is there any more */
    if (!busbar__is(b, '{')) busbar__stop(1, "a line of Busbar is no object");
    while (!busbar__is(b, '}')) {
        busbar__scalar(b, key, sizeof key), busbar__is(b, ':'), busbar__is(b, ' ');
        if (!strcmp(key, "declared") && busbar__is(b, '{')) {
            while (!busbar__is(b, '}')) {
                busbar__scalar(b, key, sizeof key), busbar__is(b, ':'), busbar__is(b, ' ');
                busbar__raw(b, text, sizeof text);
                if (!strcmp(key, "capacity_Ah")) b->capacity_Ah = strtod(text, NULL);
            }
        } else if (!strcmp(key, "frames") && busbar__is(b, '[')) {
            while (!busbar__is(b, ']')) busbar__is(b, '{'), busbar__frame(b);
        } else if (!strcmp(key, "cells_V")) {
            busbar__lists(b, busbar__doubles(b->cells_V), BUSBAR_CELLS);
        } else if (!strcmp(key, "temperatures_C")) {
            b->sensors = busbar__lists(b, busbar__doubles(b->temperatures_C), BUSBAR_SENSORS);
        } else if (!strcmp(key, "current_A")) {
            busbar__each(b, busbar__doubles(&b->current_A), NULL);
        } else if (!strcmp(key, "pack_V")) {
            busbar__each(b, busbar__doubles(&b->pack_V), NULL);
        } else if (!strcmp(key, "closed")) {
            busbar__each(b, NULL, busbar__bools(&b->closed));
        } else if (!strcmp(key, "memory")) {
            busbar__raw(b, b->memory, sizeof b->memory);
        } else if (b->next_char == '[' || b->next_char == '{') {
            busbar__raw(b, NULL, 0);
        } else {
            busbar__scalar(b, text, sizeof text);
            double number = busbar__number(text);
            if (!strcmp(key, "t")) b->t_us = strtoull(text, NULL, 10);
            if (!strcmp(key, "cells")) b->cells = (unsigned)number;
            if (!strcmp(key, "seed")) b->seed = strtoull(text, NULL, 10);
            if (!strcmp(key, "soc_pct")) b->soc_pct = number;
            if (!strcmp(key, "terminal_V")) b->terminal_V = number;
            if (!strcmp(key, "self_test")) b->self_test_failed = !strcmp(text, "failed");
            if (!strcmp(key, "short_circuit")) b->short_circuit = text[0] == 't';
            if (!strcmp(key, "lost")) b->lost = (unsigned)number;
            if (!strcmp(key, "bus")) snprintf(b->bus, sizeof b->bus, "%.15s", text);
            if (!strcmp(key, "modules")) b->modules = (unsigned)number;
            if (!strcmp(key, "hello") || !strcmp(key, "power") || !strcmp(key, "bye") || !strcmp(key, "error"))
                snprintf(what, 24, "%s", key), snprintf(said, size, "%s", text);
        }
    }
}

/* As a battery finds itself that is switched on. */
static inline void busbar__on(busbar *b) {
    b->switched_on = true;
    for (unsigned m = 0; m < b->modules; m++) busbar__bools(&b->contactor)[m] = true;
    memset(b->balance_A, 0, sizeof b->balance_A);
}

/* Reads hello and answers it. `can_set_soc`: the battery takes `b->soc_pct` for what it holds. */
static inline void busbar_begin(busbar *b, const char *name, bool can_set_soc) {
    char what[24], said[256];
    memset(b, 0, sizeof *b);
    b->modules = 1;
    busbar__message(b, what, said, sizeof said);
    if (strcmp(what, "hello") || strcmp(said, "busbar-bms/1")) busbar__stop(69, "expected hello of busbar-bms/1");
    if (b->cells > BUSBAR_CELLS) busbar__stop(69, "more cells than BUSBAR_CELLS");
    if (b->modules > BUSBAR_MODULES) busbar__stop(69, "more modules than BUSBAR_MODULES");
    b->next_us = 1000000;
    b->gap_us = 10000;
    busbar__on(b);
    printf("{\"hello\":\"busbar-bms/1\",\"name\":\"%s\",\"can_set_soc\":%s}\n", name, can_set_soc ? "true" : "false");
    fflush(stdout);
}

static inline void busbar__answer(busbar *b) {
    uint32_t gap = b->sends ? b->next_us / b->sends : 0;
    if (gap > b->gap_us) gap = b->gap_us;
    printf("{\"frames\":[");
    for (unsigned i = 0; i < b->sends; i++) {
        const busbar_frame *f = &b->sent[i];
        printf("%s{\"id\":%u,%s\"data\":\"", i ? "," : "", (unsigned)f->id, f->extended ? "\"ext\":true," : "");
        for (unsigned n = 0; n < f->length; n++) printf("%02X", f->data[n]);
        printf("\",\"after_us\":%u}", (unsigned)(gap * i));
    }
    const char *open = b->modules > 1 ? "[" : "", *close = b->modules > 1 ? "]" : "";
    printf("],\"contactor\":%s", open);
    for (unsigned m = 0; m < b->modules; m++)
        printf("%s%s", m ? "," : "", busbar__bools(&b->contactor)[m] ? "true" : "false");
    printf("%s,\"balance_A\":%s", close, open);
    for (unsigned m = 0; m < b->modules; m++) {
        const double *balance_A = busbar__doubles(b->balance_A) + m * BUSBAR_CELLS;
        for (unsigned i = 0; i < b->cells; i++) printf("%s%.4g", i ? "," : m ? ",[" : "[", balance_A[i]);
        printf("]");
    }
    printf("%s,\"next_us\":%u%s", close, (unsigned)b->next_us, b->wake ? ",\"wake\":true" : "");
    if (b->log[0]) printf(",\"log\":[%s]", b->log);
    if (b->state[0]) printf(",\"state\":{%s}", b->state);
    printf("}\n");
    fflush(stdout);
    b->sends = 0;
    b->log[0] = b->state[0] = 0;
}

/* Sends the answer to the turn before, where there was one, and reads the next turn; false when the case is over. */
static inline bool busbar_next(busbar *b) {
    char what[24], said[256];
    if (b->due) busbar__answer(b), b->switched_on = false;
    for (b->due = false;;) {
        busbar__message(b, what, said, sizeof said);
        if (!strcmp(what, "power")) {
            busbar__on(b);
            b->soc_pct = NAN; /* nobody tells a battery that comes back how full it is */
            printf("{}\n");
            fflush(stdout);
        } else if (!strcmp(what, "bye")) {
            printf("{\"memory\":%s}\n", b->memory[0] ? b->memory : "null");
            fflush(stdout);
            return false;
        } else if (!strcmp(what, "error")) {
            busbar__stop(1, said);
        } else {
            return b->due = true;
        }
    }
}

#endif
