//! {{name}}: puts the largest file first.
const std = @import("std");
const fg = @import("filmgate.zig");

export const about = fg.About{
    .name = "{{name}}",
    .version = "0.1.0",
    .summary = "puts the largest file first",
};

export fn configure(_: *const fg.Values) void {}

export fn order_items(items: [*]const fg.Item, count: usize, order: [*]u32) void {
    for (0..count) |i| order[i] = @intCast(i);
    std.sort.insertion(u32, order[0..count], items, larger);
}

fn larger(items: [*]const fg.Item, a: u32, b: u32) bool {
    return items[a].size > items[b].size;
}
