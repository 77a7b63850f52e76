// The floor: emboss by hand with AVX2 intrinsics, from one buffer into another, one thread. What
// no filter can be faster than that reads a picture and leaves a new one behind.
//
// out(x, y) = clamp(in(x, y) - in(x - 1, y + 1) + 128), the outermost pixels as they are.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static uint8_t clamped(int light, int shade) {
    int value = light - shade + 128;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

#if defined(__x86_64__)
#include <immintrin.h>

const char *kind(void) { return __builtin_cpu_supports("avx2") ? "AVX2 intrinsics" : ""; }

// With its top bit flipped, an unsigned sample is the signed number `sample - 128`. The difference
// of two of these, saturated, and the top bit flipped back, is the clamped relief.
__attribute__((target("avx2"))) static inline __m256i relief(const uint8_t *light,
                                                             const uint8_t *shade) {
    const __m256i top = _mm256_set1_epi8((char)0x80);
    __m256i a = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)light), top);
    __m256i b = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)shade), top);
    return _mm256_xor_si256(_mm256_subs_epi8(a, b), top);
}

__attribute__((target("avx2"))) static void inner(
    uint8_t *out, const uint8_t *light, const uint8_t *shade, size_t size) {
    size_t i = 0;
    for (; i + 128 <= size; i += 128) {
        __m256i a = relief(light + i, shade + i), b = relief(light + i + 32, shade + i + 32);
        __m256i c = relief(light + i + 64, shade + i + 64), d = relief(light + i + 96, shade + i + 96);
        _mm256_storeu_si256((__m256i *)(out + i), a);
        _mm256_storeu_si256((__m256i *)(out + i + 32), b);
        _mm256_storeu_si256((__m256i *)(out + i + 64), c);
        _mm256_storeu_si256((__m256i *)(out + i + 96), d);
    }
    for (; i + 32 <= size; i += 32)
        _mm256_storeu_si256((__m256i *)(out + i), relief(light + i, shade + i));
    for (; i < size; i++) out[i] = clamped(light[i], shade[i]);
}
#else
// Left to the compiler's own vectors.
const char *kind(void) { return "vectors of the compiler's"; }

static void inner(
    uint8_t *restrict out, const uint8_t *light, const uint8_t *shade, size_t size) {
    for (size_t i = 0; i < size; i++) out[i] = clamped(light[i], shade[i]);
}
#endif

void emboss(uint8_t *out, const uint8_t *in, size_t row_bytes, size_t rows, size_t pixel) {
    memcpy(out, in, row_bytes);
    for (size_t y = 1; y + 1 < rows; y++) {
        const uint8_t *row = in + y * row_bytes;
        uint8_t *to = out + y * row_bytes;
        memcpy(to, row, pixel);
        inner(to + pixel, row + pixel, row + row_bytes, row_bytes - 2 * pixel);
        memcpy(to + row_bytes - pixel, row + row_bytes - pixel, pixel);
    }
    memcpy(out + (rows - 1) * row_bytes, in + (rows - 1) * row_bytes, row_bytes);
}

// Takes `count` pictures from a ring of `ins` into a ring of `outs`; seconds.
double run(uint8_t **out, size_t outs, uint8_t **in, size_t ins, size_t row_bytes, size_t rows,
           size_t pixel, size_t count) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (size_t i = 0; i < count; i++) emboss(out[i % outs], in[i % ins], row_bytes, rows, pixel);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
}
