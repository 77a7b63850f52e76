//! {{name}}: numbers the outputs: clip-1.mp4, clip-2.mp4 …
const fg = @import("filmgate.zig");

export const about = fg.About{
    .name = "{{name}}",
    .version = "0.1.0",
    .summary = "numbers the outputs",
};

export fn configure(_: *const fg.Values) void {}

export fn name_output(request: *const fg.Request, name: [*]u8, room: usize) usize {
    var clip = "clip-".*;
    var dot = ".".*;
    var length = fg.fg_append(name, 0, room, .{ .ptr = &clip, .len = clip.len });
    length = fg.fg_append_number(name, length, room, request.index + request.attempt + 1);
    length = fg.fg_append(name, length, room, .{ .ptr = &dot, .len = dot.len });
    return fg.fg_append(name, length, room, request.extension);
}
