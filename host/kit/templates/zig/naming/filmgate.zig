//! What a naming plugin in Zig needs of filmgate: filmgate_naming.h in Zig's words; see there.
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
pub const Item = extern struct {
    path: Text,
    size: u64,
    modified: i64,
    properties: extern struct { ptr: ?*anyopaque, len: usize },
};
pub const Request = extern struct {
    sources: extern struct { ptr: [*]const Item, len: usize },
    index: u64,
    attempt: u32,
    position: extern struct { is_some: bool, value: i64 },
    taken: extern struct { is_some: bool, value: i64 },
    extension: Text,
    folders: bool,
    more: extern struct { ptr: ?*anyopaque, len: usize },
};
pub extern fn fg_append(name: [*]u8, length: usize, room: usize, text: Text) usize;
pub extern fn fg_append_number(name: [*]u8, length: usize, room: usize, number: u64) usize;
