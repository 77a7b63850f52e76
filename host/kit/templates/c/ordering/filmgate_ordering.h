// The functions of an ordering policy, which you write.
#pragma once
#include "filmgate.h"

typedef filmgate_plugin_media_item_t fg_item; // path, size, modified, properties

// Called once.
void configure(const fg_values *values);
// Writes the numbers of all `count` items, each once, into `order`: the first to come first.
void order_items(const fg_item *items, size_t count, uint32_t *order);
