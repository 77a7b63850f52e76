// What the generated code uses of a C library; libc.c has it.
#ifndef FILMGATE_STRING_H
#define FILMGATE_STRING_H
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
size_t strlen(const char *text);

#endif
