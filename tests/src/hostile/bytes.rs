//! Components in bytes, for shapes that text would be too large for: a sound plugin, and behind
//! it a part that nothing uses and everything has to read.

use super::Module;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A part of a component, hostile by its shape.
pub enum Part {
    /// empty components inside one another
    Components(usize),
    /// types of components inside one another
    Types(usize),
    /// functions that do nothing
    Functions(usize),
    /// functions with so many additions each
    Busy { functions: usize, additions: usize },
    /// a function with so many locals
    Locals(usize),
    /// blocks inside one another
    Blocks(usize),
    /// loops inside one another
    NestedLoops(usize),
    /// loops behind one another
    Loops(usize),
    /// loops behind one another that take and give so many values
    Handing { loops: usize, values: usize },
    /// loops behind one another in a function with so many locals
    Carrying { loops: usize, locals: usize },
    /// a function of so many bytes
    Bytes(usize),
    /// modules without anything in them
    Modules(usize),
}

/// A sound plugin with the part behind it.
pub fn with(part: &Part) -> Vec<u8> {
    let mut component = Module::default().component();
    component.extend(bytes(part));
    component
}

fn bytes(part: &Part) -> Vec<u8> {
    let core = |bodies: &[Vec<u8>]| section(1, &module(0, bodies));
    let code = |locals: usize, code: Vec<u8>| core(&[body(locals, &code)]);
    let repeat = |bytes: &[u8], times: usize| bytes.repeat(times);
    let nested = |open: u8, depth: usize| {
        code(0, [repeat(&[open, 0x40], depth), repeat(&[0x0b], depth)].concat())
    };
    match *part {
        Part::Components(depth) => {
            // The inner ones first, from the back, so that it takes no more than once each byte.
            let mut component = COMPONENT.to_vec();
            for _ in 1..depth {
                component = [COMPONENT, &section(4, &component)].concat();
            }
            section(4, &component)
        }
        Part::Types(depth) => {
            section(7, &[&[1], &*repeat(&[0x41, 1, 1], depth - 1), &[0x41, 0]].concat())
        }
        Part::Functions(count) => core(&vec![body(0, &[0x01]); count]),
        Part::Busy { functions, additions } => {
            // local.get 0, i32.const 7, i32.mul, local.get 1, i32.add, local.set 0
            let addition = [0x20, 0, 0x41, 7, 0x6c, 0x20, 1, 0x6a, 0x21, 0];
            core(&vec![body(2, &repeat(&addition, additions)); functions])
        }
        Part::Locals(count) => code(count, Vec::new()),
        Part::Blocks(depth) => nested(0x02, depth),
        Part::NestedLoops(depth) => nested(0x03, depth),
        Part::Loops(count) => code(0, repeat(&[0x03, 0x40, 0x0b], count)),
        Part::Handing { loops, values } => {
            let code = [
                repeat(&[0x41, 0], values),
                repeat(&[0x03, 1, 0x0b], loops),
                repeat(&[0x1a], values),
            ];
            section(1, &module(values, &[body(0, &code.concat())]))
        }
        Part::Carrying { loops, locals } => code(locals, repeat(&[0x03, 0x40, 0x0b], loops)),
        Part::Bytes(count) => code(0, repeat(&[0x01], count)),
        Part::Modules(count) => repeat(&section(1, MODULE), count),
    }
}

/// A module of such functions, all without parameters. Its type 1 takes and gives `values`.
fn module(values: usize, bodies: &[Vec<u8>]) -> Vec<u8> {
    let many = [leb128(values), vec![0x7f; values]].concat();
    let types = [&[2, 0x60, 0, 0, 0x60], &*many, &*many].concat();
    let functions = [leb128(bodies.len()), vec![0; bodies.len()]].concat();
    let code: Vec<u8> = bodies.iter().flat_map(|b| [leb128(b.len()), b.clone()].concat()).collect();
    [
        MODULE,
        &section(1, &types),
        &section(3, &functions),
        &section(10, &[leb128(bodies.len()), code].concat()),
    ]
    .concat()
}

fn body(locals: usize, code: &[u8]) -> Vec<u8> {
    let locals = match locals {
        0 => vec![0],
        count => [&[1], &*leb128(count), &[0x7f]].concat(),
    };
    [&*locals, code, &[0x0b]].concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &*leb128(content.len()), content].concat()
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
