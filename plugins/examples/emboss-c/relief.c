// See relief.h. It works from the top: a row needs itself and the row below, which is still
// untouched. Loops do 128 bytes a turn, because the host checks its deadline at every turn.
#include "relief.h"

#include <wasm_simd128.h>

#define VECTOR 16
#define TURN 128

// For 8 and 16 bits, clamp(a - b + bias) is one saturating subtraction of signed numbers: with its
// top bit flipped, an unsigned sample becomes the signed number `sample - bias`; the difference of
// two of these is a - b, saturated; flipping the top bit back adds the bias.
static inline v128_t relief8(v128_t light, v128_t shade) {
    v128_t top = wasm_i8x16_splat((int8_t)0x80);
    return wasm_v128_xor(
        wasm_i8x16_sub_sat(wasm_v128_xor(light, top), wasm_v128_xor(shade, top)), top);
}

// For 10 bits there is room to add the bias first.
static inline v128_t relief10(v128_t light, v128_t shade) {
    v128_t biased = wasm_u16x8_add_sat(light, wasm_i16x8_splat(512));
    return wasm_u16x8_min(wasm_u16x8_sub_sat(biased, shade), wasm_i16x8_splat(1023));
}

static inline v128_t relief16(v128_t light, v128_t shade) {
    v128_t top = wasm_i16x8_splat((int16_t)0x8000);
    return wasm_v128_xor(
        wasm_i16x8_sub_sat(wasm_v128_xor(light, top), wasm_v128_xor(shade, top)), top);
}

// One sample, for rows of less than a vector.
static int relief_sample(int light, int shade, unsigned bits) {
    int most = (1 << bits) - 1;
    int value = light - shade + (1 << (bits - 1));
    return value < 0 ? 0 : value > most ? most : value;
}

static void short_row(uint8_t *light, const uint8_t *shade, size_t size, unsigned bits) {
    if (bits == 8) {
        for (size_t i = 0; i < size; i++) light[i] = relief_sample(light[i], shade[i], 8);
        return;
    }
    for (size_t i = 0; i + 1 < size; i += 2) {
        int value = relief_sample(
            light[i] | light[i + 1] << 8, shade[i] | shade[i + 1] << 8, bits);
        light[i] = (uint8_t)value;
        light[i + 1] = (uint8_t)(value >> 8);
    }
}

// A row of at least a vector. What is left over behind the last whole vector is done as the row's
// last 16 bytes, reckoned before the loop overwrites some of them with the same values.
#define DEFINE_LONG_ROW(bits)                                                                      \
    static void long_row##bits(uint8_t *light, const uint8_t *shade, size_t size) {                \
        v128_t last = relief##bits(                                                                \
            wasm_v128_load(light + size - VECTOR), wasm_v128_load(shade + size - VECTOR));         \
        size_t i = 0;                                                                              \
        for (; i + TURN <= size; i += TURN) {                                                      \
            _Pragma("unroll") for (size_t j = 0; j < TURN; j += VECTOR) {                          \
                v128_t value = relief##bits(                                                       \
                    wasm_v128_load(light + i + j), wasm_v128_load(shade + i + j));                 \
                wasm_v128_store(light + i + j, value);                                             \
            }                                                                                      \
        }                                                                                          \
        for (; i + VECTOR <= size; i += VECTOR) {                                                  \
            v128_t value = relief##bits(wasm_v128_load(light + i), wasm_v128_load(shade + i));     \
            wasm_v128_store(light + i, value);                                                     \
        }                                                                                          \
        wasm_v128_store(light + size - VECTOR, last);                                              \
    }

DEFINE_LONG_ROW(8)
DEFINE_LONG_ROW(10)
DEFINE_LONG_ROW(16)

void relief(uint8_t *samples, plane_layout plane, size_t first, size_t end, unsigned bits) {
    size_t pixel = plane.channels * plane.sample_bytes;
    size_t row_bytes = plane.columns * pixel;
    size_t inner = row_bytes - 2 * pixel;
    for (size_t y = first ? first : 1; y < end && y + 1 < plane.rows; y++) {
        uint8_t *light = samples + (y - first) * row_bytes + pixel;
        const uint8_t *shade = samples + (y + 1 - first) * row_bytes;
        if (inner < VECTOR) short_row(light, shade, inner, bits);
        else if (bits == 8) long_row8(light, shade, inner);
        else if (bits == 10) long_row10(light, shade, inner);
        else long_row16(light, shade, inner);
    }
}
