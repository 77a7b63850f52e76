// What the generated code and this plugin use of a C library; libc.c has it.
#ifndef FILMGATE_STDLIB_H
#define FILMGATE_STDLIB_H
#include <stddef.h>

// Blocks start at a multiple of 16.
void *malloc(size_t size);
void *realloc(void *block, size_t size);
// Ignores what malloc has not given, such as string literals: they may be part of an answer.
void free(void *block);
_Noreturn void abort(void);

#endif
