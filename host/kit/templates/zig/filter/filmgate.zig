//! What a filter plugin in Zig needs of filmgate: filmgate_filter.h in Zig's words; see there.
pub const Parameter = extern struct {
    name: ?[*:0]const u8 = null,
    summary: ?[*:0]const u8 = null,
    /// "integer", "decimal", "boolean", "text" or "choice"
    kind: ?[*:0]const u8 = null,
    unit: ?[*:0]const u8 = null,
    minimum: f64 = 0,
    maximum: f64 = 0,
    number: f64 = 0,
    text: ?[*:0]const u8 = null,
    choices: ?[*:0]const u8 = null,
};
pub const About = extern struct {
    name: [*:0]const u8,
    version: [*:0]const u8,
    summary: [*:0]const u8,
    formats: ?[*:0]const u8 = null,
    serial: bool = false,
    parameters: ?[*]const Parameter = null,
};
pub const Text = extern struct { ptr: [*]u8, len: usize };
pub const Values = opaque {};
pub extern fn fg_number(values: *const Values, name: [*:0]const u8) f64;
pub extern fn fg_text(values: *const Values, name: [*:0]const u8) Text;
pub extern fn fg_equal(a: Text, b: [*:0]const u8) bool;
pub extern fn fg_log(message: [*:0]const u8) void;
pub extern fn fg_fail(message: [*:0]const u8) void;
/// A frame's handle.
pub const Frame = extern struct { handle: i32 };
pub const Samples = extern struct { ptr: [*]u8, len: usize };
pub const Rational = extern struct { num: i32, den: i32 };
pub const Stream = extern struct {
    width: u32,
    height: u32,
    format: Text,
    has_frame_rate: bool,
    frame_rate: Rational,
    sample_aspect: Rational,
    more: extern struct { ptr: ?*anyopaque, len: usize },
};
pub extern fn fg_put(frame: Frame) void;
pub extern fn fg_drop(frame: Frame) void;
pub extern fn fg_clone(frame: Frame) Frame;
pub extern fn fg_plane(frame: Frame, plane: u32) Samples;
pub extern fn fg_set_plane(frame: Frame, plane: u32, samples: Samples) void;
pub extern fn fg_free(samples: Samples) void;
pub extern fn fg_timestamp(frame: Frame) i64;
pub extern fn fg_set_tag(frame: Frame, key: [*:0]const u8, value: [*:0]const u8) void;
