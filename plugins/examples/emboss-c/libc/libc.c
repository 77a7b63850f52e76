// The few functions of a C library that a filter needs, and no more.
//
// The allocator is made for a filter's habits: blocks of a few sizes, the same for every frame.
// There is a list of free blocks for each power of two; a new block is cut off the end of memory
// and never goes back there. So malloc and free are a handful of instructions, and memory stops
// growing after the first frames.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WASM_PAGE 65536
#define LARGEST ((size_t)1 << 30)

// Set by the linker: where static data and the stack end.
extern unsigned char __heap_base;

// Stands in front of every block and keeps it aligned.
typedef struct header {
    size_t capacity;
    size_t class;
    struct header *next;
    size_t padding;
} header;

_Static_assert(sizeof(header) == 16, "blocks start at a multiple of 16");

static header *free_blocks[32];
static size_t end;

// A block cut off the end of memory; null where the host gives no more.
static header *cut(size_t class) {
    if (end == 0) end = ((size_t)&__heap_base + 15) & ~(size_t)15;
    size_t size = sizeof(header) + ((size_t)1 << class);
    size_t left = __builtin_wasm_memory_size(0) * (size_t)WASM_PAGE - end;
    if (size > left) {
        size_t pages = (size - left + WASM_PAGE - 1) / WASM_PAGE;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return NULL;
    }
    header *block = (header *)end;
    end += size;
    block->capacity = (size_t)1 << class;
    block->class = class;
    return block;
}

void *malloc(size_t size) {
    if (size > LARGEST) return NULL;
    // The least power of two that holds it, from 32.
    size_t class = 32 - (size_t)__builtin_clz((unsigned)(size ? size - 1 : 0) | 31);
    header *block = free_blocks[class];
    if (block) {
        free_blocks[class] = block->next;
    } else {
        block = cut(class);
        if (!block) return NULL;
    }
    return block + 1;
}

void free(void *pointer) {
    if ((size_t)pointer < (size_t)&__heap_base) return;
    header *block = (header *)pointer - 1;
    block->next = free_blocks[block->class];
    free_blocks[block->class] = block;
}

void *realloc(void *pointer, size_t size) {
    if (!pointer) return malloc(size);
    size_t held = ((header *)pointer - 1)->capacity;
    if (size <= held) return pointer;
    void *larger = malloc(size);
    if (!larger) return NULL;
    memcpy(larger, pointer, held);
    free(pointer);
    return larger;
}

_Noreturn void abort(void) { __builtin_trap(); }

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    unsigned char *out = to;
    const unsigned char *in = from;
    for (size_t i = 0; i < size; i++) out[i] = in[i];
    return to;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    return length;
}
