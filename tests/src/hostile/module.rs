//! A sound core module in WebAssembly text, in which one part at a time is replaced.
//!
//! The modules follow the canonical ABI by hand; the addresses below are those of its records.

use filmgate::plugin::{Limits, Plugin, PluginError};

use super::{component, load, with_wasi};

/// Where a module's description stands in its memory (`filter-description`, 52 bytes).
pub const DESCRIPTION: u32 = 0x200;
/// Where `configure` answers.
pub const CONFIGURED: u32 = 0x300;
/// Where `process`, `flush`, `name` and `order` answer.
pub const ANSWER: u32 = 0x380;
/// Where a list of handles stands.
pub const HANDLES: u32 = 0x400;

/// The imports of a filter, all of them.
const FILTER_IMPORTS: &str = r#"
  (import "filmgate:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))
  (import "filmgate:plugin/frames@0.1.0" "[constructor]frame"
    (func $new (param i32 i32 i32 i32 i64 i64 i32 i64) (result i32)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.info" (func $info (param i32 i32)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.plane" (func $plane (param i32 i32 i32)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.set-plane"
    (func $set-plane (param i32 i32 i32 i32)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.set-timestamp"
    (func $set-timestamp (param i32 i64)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.set-duration"
    (func $set-duration (param i32 i32 i64)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.tag"
    (func $tag (param i32 i32 i32 i32)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.set-tag"
    (func $set-tag (param i32 i32 i32 i32 i32)))
  (import "filmgate:plugin/frames@0.1.0" "[method]frame.clone"
    (func $clone (param i32) (result i32)))
  (import "filmgate:plugin/frames@0.1.0" "[resource-drop]frame" (func $drop (param i32)))
"#;

/// A filter of core WebAssembly. The default is sound: it takes `gray8`, and gives back every
/// frame as it is. Each part is WebAssembly text. At hand are the imports (`$new`, `$plane`,
/// `$log` …), `$same` (an answer of one handle), `$none` (an answer of none), `$counter` (a
/// global) and the locals `$i`, `$j` and `$k`.
#[derive(Clone)]
pub struct Module {
    /// imports beside the contract's
    pub imports: String,
    /// memories, tables, globals and functions beside those that are always there
    pub fields: String,
    /// pages of the first memory, as in `2` or `2 10`
    pub memory: String,
    /// the body of the start function
    pub start: String,
    pub describe: String,
    /// `$width` … are its parameters; answers an address
    pub configure: String,
    /// `$frame` is its parameter; answers an address
    pub process: String,
    pub flush: String,
    /// `$old`, `$old_size`, `$align`, `$size`; answers an address
    pub realloc: String,
    /// the body of the post-return functions of `describe` and `process`
    pub post: String,
    pub serial: bool,
    /// data segments that say more in the description
    pub more: String,
    /// at most twelve letters
    pub format: String,
}

impl Default for Module {
    fn default() -> Module {
        let call = |what: &str| what.to_owned();
        Module {
            imports: String::new(),
            fields: String::new(),
            memory: "4".to_owned(),
            start: String::new(),
            describe: format!("(i32.const {DESCRIPTION})"),
            configure: "(call $accept (local.get $width) (local.get $height) \
                (local.get $format) (local.get $format_len) \
                (local.get $has_rate) (local.get $rate_num) (local.get $rate_den) \
                (local.get $aspect_num) (local.get $aspect_den))"
                .to_owned(),
            process: call("(call $same (local.get $frame))"),
            flush: call("(call $none)"),
            realloc: "(call $bump (local.get $align) (local.get $size))".to_owned(),
            post: String::new(),
            serial: false,
            more: String::new(),
            format: "gray8".to_owned(),
        }
    }
}

impl Module {
    /// A sound one whose `process` is replaced.
    pub fn processing(process: &str) -> Module {
        Module { process: process.to_owned(), ..Module::default() }
    }

    /// The same, called in order and flushed.
    pub fn serial(process: &str, flush: &str) -> Module {
        Module {
            serial: true,
            process: process.to_owned(),
            flush: flush.to_owned(),
            ..Module::default()
        }
    }

    /// The module's text.
    pub fn text(&self) -> String {
        let Module { fields, memory, start, describe, configure, process, flush, post, .. } = self;
        let description = self.description();
        let locals = "(local $i i32) (local $j i32) (local $k i32) (local $l i64)";
        let filter = "filmgate:plugin/filter@0.1.0";
        let (imports, common) = (&self.imports, common(memory, &self.realloc));
        format!(
            r#"(module {FILTER_IMPORTS} {imports} {common} {fields} {description}
  (func $accept (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 0x300) (i32.const 0))
    (i32.store (i32.const 0x304) (local.get 0)) (i32.store (i32.const 0x308) (local.get 1))
    (i32.store (i32.const 0x30c) (local.get 2)) (i32.store (i32.const 0x310) (local.get 3))
    (i32.store (i32.const 0x314) (local.get 4)) (i32.store (i32.const 0x318) (local.get 5))
    (i32.store (i32.const 0x31c) (local.get 6)) (i32.store (i32.const 0x320) (local.get 7))
    (i32.store (i32.const 0x324) (local.get 8))
    (i32.store (i32.const 0x328) (i32.const 0)) (i32.store (i32.const 0x32c) (i32.const 0))
    (i32.const 0x300))
  (func $same (param i32) (result i32)
    (i32.store (i32.const 0x400) (local.get 0)) (call $list (i32.const 1)))
  (func $none (result i32) (call $list (i32.const 0)))
  (func $start {locals} {start}) (start $start)
  (func (export "{filter}#describe") (result i32) {locals} {describe})
  (func (export "{filter}#configure")
    (param $width i32) (param $height i32) (param $format i32) (param $format_len i32)
    (param $has_rate i32) (param $rate_num i32) (param $rate_den i32)
    (param $aspect_num i32) (param $aspect_den i32) (param $more i32) (param $more_len i32)
    (param $parameters i32) (param $parameters_len i32) (result i32) {locals} {configure})
  (func (export "{filter}#process") (param $frame i32) (result i32) {locals}
    (call $forget) {process})
  (func (export "{filter}#flush") (result i32) {locals} {flush})
  (func (export "cabi_post_{filter}#describe") (param i32) {locals} {post})
  (func (export "cabi_post_{filter}#process") (param i32) {locals} {post}))"#
        )
    }

    /// Name `hostile`, version `1.0.0`, one format.
    fn description(&self) -> String {
        let pairs: [(u32, u32); 6] =
            [(0x100, 7), (0x107, 5), (0x10c, 12), (0, 0), (0, 0), (0x180, 1)];
        let numbers: Vec<u32> = pairs.iter().flat_map(|(at, length)| [*at, *length]).collect();
        let (format, length) = (&self.format, self.format.len() as u32);
        format!(
            r#"(data (i32.const 0x100) "hostile1.0.0breaks rules") (data (i32.const 0x140) "{format}")
  (data (i32.const 0x180) "{}") (data (i32.const 0x200) "{}\{:02x}") {}"#,
            little_endian(&[0x140, length]),
            little_endian(&numbers),
            u8::from(self.serial),
            self.more
        )
    }

    /// The module as a component.
    pub fn component(&self) -> Vec<u8> {
        component(&self.text(), "filter-plugin")
    }

    /// The component, loaded.
    pub fn load(&self, limits: &Limits) -> Result<Plugin, PluginError> {
        load(&self.component(), limits)
    }

    /// The component with imports of WASI in this version, loaded.
    pub fn load_with_wasi(&self, version: &str, limits: &Limits) -> Result<Plugin, PluginError> {
        load(&with_wasi(&self.text(), version), limits)
    }
}

/// Numbers as the text of a data segment.
pub fn little_endian(numbers: &[u32]) -> String {
    numbers.iter().flat_map(|n| n.to_le_bytes()).map(|b| format!("\\{b:02x}")).collect()
}

/// What modules of all worlds share: a memory, an allocator that forgets everything when told
/// to, and an answer of a list.
fn common(memory: &str, realloc: &str) -> String {
    format!(
        r#"(memory (export "memory") {memory})
  (global $heap (mut i32) (i32.const 0x10000))
  (global $counter (mut i32) (i32.const 0))
  (func $forget (global.set $heap (i32.const 0x10000)))
  (func $bump (param $align i32) (param $size i32) (result i32) (local $at i32) (local $end i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.shr_u
        (i32.add (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16)))
          (i32.const 0xffff)) (i32.const 16))))
        (then (unreachable)))))
    (global.set $heap (local.get $end))
    (local.get $at))
  (func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32)
    (param $align i32) (param $size i32) (result i32)
    (local $i i32) (local $j i32) (local $k i32) (local $l i64) {realloc})
  (func $list (param i32) (result i32)
    (i32.store (i32.const 0x380) (i32.const 0))
    (i32.store (i32.const 0x384) (i32.const 0x400))
    (i32.store (i32.const 0x388) (local.get 0))
    (i32.const 0x380))"#
    )
}

/// A naming or ordering policy of core WebAssembly. The default is sound: every output is called
/// `a`, and an order of no files is answered.
#[derive(Clone)]
pub struct Policy {
    pub fields: String,
    pub start: String,
    pub describe: String,
    pub configure: String,
    /// the body of `name` (parameters `$sources`, `$sources_len` …) or `order` (`$items`,
    /// `$items_len`); answers an address
    pub answer: String,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            fields: String::new(),
            start: String::new(),
            describe: format!("(i32.const {DESCRIPTION})"),
            configure: "(call $list (i32.const 0))".to_owned(),
            answer: "(i32.store8 (i32.const 0x400) (i32.const 97)) (call $list (i32.const 1))"
                .to_owned(),
        }
    }
}

impl Policy {
    pub fn naming(&self) -> Vec<u8> {
        let parameters = "(param $sources i32) (param $sources_len i32) (param $index i64) \
            (param $attempt i32) (param i32 i64) (param i32 i64) (param i32 i32) \
            (param $folders i32) (param $more i32) (param $more_len i32)";
        component(&self.text("naming", "name", parameters), "naming-plugin")
    }

    pub fn ordering(&self) -> Vec<u8> {
        let parameters = "(param $items i32) (param $items_len i32)";
        component(&self.text("ordering", "order", parameters), "ordering-plugin")
    }

    fn text(&self, interface: &str, function: &str, parameters: &str) -> String {
        let Policy { fields, start, describe, configure, answer } = self;
        let common = common("4", "(call $bump (local.get $align) (local.get $size))");
        let description = Module::default().description();
        let locals = "(local $i i32) (local $j i32) (local $k i32) (local $l i64)";
        let export = format!("filmgate:plugin/{interface}@0.1.0");
        format!(
            r#"(module
  (import "filmgate:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))
  {common} {fields} {description}
  (func $start {locals} {start}) (start $start)
  (func (export "{export}#describe") (result i32) {locals} {describe})
  (func (export "{export}#configure") (param $parameters i32) (param $parameters_len i32)
    (result i32) {locals} {configure})
  (func (export "{export}#{function}") {parameters} (result i32) {locals}
    (call $forget) {answer}))"#
        )
    }
}
