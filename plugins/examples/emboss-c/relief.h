// The pixels of the emboss filter, apart from everything about frames.
#ifndef FILMGATE_RELIEF_H
#define FILMGATE_RELIEF_H
#include <stddef.h>
#include <stdint.h>

// A packed plane: rows from the top, without padding.
typedef struct {
    size_t columns;      // pixels a row
    size_t rows;
    size_t channels;     // samples a pixel
    size_t sample_bytes; // 1 or 2, the low byte first
} plane_layout;

// out(x, y) = clamp(in(x, y) - in(x - 1, y + 1) + bias), each channel by itself, the outermost
// pixels as they were; the bias is half of what `bits` (8, 10 or 16) can hold. In place.
//
// `samples` are rows `first` .. `end` of the plane and, but for the plane's last row, the one
// below, which is only looked at. The plane has at least three columns and rows.
void relief(uint8_t *samples, plane_layout plane, size_t first, size_t end, unsigned bits);

#endif
