//! {{name}}: turns light to dark.
const fg = @import("filmgate.zig");

const parameters = [_]fg.Parameter{
    .{ .name = "strength", .summary = "how much is turned", .kind = "integer", .unit = "%", .minimum = 0, .maximum = 100, .number = 100 },
    .{},
};

export const about = fg.About{
    .name = "{{name}}",
    .version = "0.1.0",
    .summary = "turns light to dark",
    .formats = "yuv420p yuv422p yuv444p gray8",
    .parameters = &parameters,
};

var strength: u16 = 0;

export fn configure(_: *fg.Stream, values: *const fg.Values) void {
    strength = @intFromFloat(fg.fg_number(values, "strength"));
}

export fn process(frame: fg.Frame) void {
    const light = fg.fg_plane(frame, 0);
    for (light.ptr[0..light.len]) |*sample| {
        const value: u16 = sample.*;
        sample.* = @intCast((value * (100 - strength) + (255 - value) * strength) / 100);
    }
    fg.fg_set_plane(frame, 0, light);
    fg.fg_put(frame);
}
