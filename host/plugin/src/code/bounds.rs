//! The host's own limits on the shape of a component, checked in one pass over its bytes before
//! anything compiles it.
//!
//! A compiler's time and memory grow faster than its input: a function of 300 KB with 20,000
//! locals took 5 GB, 4,000 loops inside one another more than two minutes. The limits are well
//! above what compilers make (see the constants) and below what costs a machine. They are not
//! the only ones: the compiler validates the component, and runs in a process of its own with
//! bounded memory and time ([`super::child`]).

use wasmparser::{BlockType, CompositeInnerType, FunctionBody, Operator, Parser, Payload, SubType};

/// Components and modules inside one another. Composed components have two or three levels.
const NESTING: usize = 32;
/// Components and modules in one file, at any depth. `componentize-py` makes 40.
const PARTS: usize = 1_000;
/// Functions of all modules together. `componentize-py` makes 13,500, which take 11 s of
/// processor time; 150,000 of the smallest take 17 s.
const FUNCTIONS: usize = 150_000;
/// Bytes of one function's body. CPython's largest has 427 KB; browsers take 7,654,321.
const BODY_BYTES: u64 = 4 << 20;
/// Locals of one function, without parameters. CPython's most are 271; unoptimized code has some
/// thousands. Browsers take 50,000.
const LOCALS: u64 = 15_000;
/// Blocks, loops and conditions inside one another in one function. A `switch` of N cases, and a
/// function of Go that can be resumed at N points, are N blocks inside one another; CPython's
/// most are 782.
const BLOCKS: u64 = 10_000;
/// Loops inside one another. CPython's most are 6; 4,000 take minutes.
const LOOPS: u64 = 200;
/// Loops of one function in all: 5,000 take 2 s, 20,000 take 30 s.
const ALL_LOOPS: u64 = 5_000;
/// Loops times values that blocks take and give by a type of the module: 1,000 loops of 1,000
/// values, 5 KB of code, take 4 GB. Compilers hardly make such blocks.
const HANDED: u64 = 5_000_000;
/// Locals times loops of one function, since each loop may carry each local: CPython has 8,401
/// at most, 2,000,000 take 3 s and 300 MB.
const CARRIED: u64 = 2_000_000;
/// Types inside one another in the types of components, in one section. The parser follows them
/// by recursion: 10,000 are more than its stack holds.
const TYPE_NESTING: usize = 256;

/// Refuses a component beyond the limits, with the reason: what, how much, and the limit.
pub(super) fn check(wasm: &[u8]) -> Result<(), String> {
    let (mut depth, mut parts, mut functions) = (0usize, 0usize, 0usize);
    // Values that the types of functions of the current module take and give. A module holds no
    // other, so that there is one current at a time.
    let mut arities = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|e| damaged(&e))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                parts += 1;
                most(depth, NESTING, "components inside one another")?;
                most(parts, PARTS, "components and modules")?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentTypeSection(section) => {
                let bytes = &wasm[section.range()];
                most(type_nesting(bytes), TYPE_NESTING, "types inside one another")?;
            }
            Payload::TypeSection(section) => {
                arities = section
                    .into_iter()
                    .map(|group| Ok(group?.into_types().map(|t| arity(&t)).collect::<Vec<_>>()))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|e| damaged(&e))?
                    .concat();
            }
            Payload::CodeSectionEntry(body) => {
                functions += 1;
                most(functions, FUNCTIONS, "functions")?;
                function(&body, &arities).map_err(|reason| match reason {
                    Reason::Damaged(e) => damaged(&e),
                    Reason::Beyond(what) => {
                        format!("function {} has {what}, the most that is compiled", functions - 1)
                    }
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn arity(kind: &SubType) -> u64 {
    match &kind.composite_type.inner {
        CompositeInnerType::Func(f) => (f.params().len() + f.results().len()) as u64,
        _ => 0,
    }
}

enum Reason {
    Damaged(wasmparser::BinaryReaderError),
    Beyond(String),
}

fn damaged(error: &wasmparser::BinaryReaderError) -> String {
    format!("a damaged component: {}", super::super::log::harmless(&error.to_string(), 500))
}

fn most(found: usize, limit: usize, what: &str) -> Result<(), String> {
    if found > limit {
        Err(format!("has more than {limit} {what}, the most that is compiled"))
    } else {
        Ok(())
    }
}

/// An upper bound for how deep the types of a section are nested, without following them: a
/// component's or an instance's type (0x41, 0x42) within another comes behind the byte 1, for
/// "declares a type" (Component Model, Binary.md). The parser follows them by recursion.
fn type_nesting(section: &[u8]) -> usize {
    1 + section.windows(2).filter(|pair| pair[0] == 1 && matches!(pair[1], 0x41 | 0x42)).count()
}

/// The blocks that are open at one place of a function, and what was counted up to there.
#[derive(Default)]
struct Blocks {
    /// whether each of them is a loop
    open: Vec<bool>,
    loops_open: u64,
    loops: u64,
    /// values that blocks take and give
    handed: u64,
}

impl Blocks {
    fn open(&mut self, is_loop: bool, kind: BlockType, arities: &[u64]) {
        self.open.push(is_loop);
        self.loops_open += u64::from(is_loop);
        self.loops += u64::from(is_loop);
        if let BlockType::FuncType(index) = kind {
            self.handed += arities.get(index as usize).copied().unwrap_or(0);
        }
    }

    fn close(&mut self) {
        if self.open.pop() == Some(true) {
            self.loops_open -= 1;
        }
    }

    fn check(&self, locals: u64) -> Result<(), Reason> {
        beyond(self.open.len() as u64, BLOCKS, "blocks inside one another")?;
        beyond(self.loops_open, LOOPS, "loops inside one another")?;
        beyond(self.loops, ALL_LOOPS, "loops")?;
        beyond(self.loops.saturating_mul(self.handed), HANDED, "loops times values of blocks")?;
        beyond(self.loops.saturating_mul(locals), CARRIED, "loops times locals")
    }
}

fn beyond(found: u64, limit: u64, what: &str) -> Result<(), Reason> {
    if found > limit { Err(Reason::Beyond(format!("more than {limit} {what}"))) } else { Ok(()) }
}

fn function(body: &FunctionBody<'_>, arities: &[u64]) -> Result<(), Reason> {
    let range = body.range();
    beyond((range.end - range.start) as u64, BODY_BYTES, "bytes of code")?;
    let mut locals = 0u64;
    for group in body.get_locals_reader().map_err(Reason::Damaged)? {
        locals = locals.saturating_add(u64::from(group.map_err(Reason::Damaged)?.0));
    }
    beyond(locals, LOCALS, "locals")?;
    let mut blocks = Blocks::default();
    for operator in body.get_operators_reader().map_err(Reason::Damaged)? {
        match operator.map_err(Reason::Damaged)? {
            Operator::Loop { blockty } => blocks.open(true, blockty, arities),
            Operator::Block { blockty } | Operator::If { blockty } => {
                blocks.open(false, blockty, arities);
            }
            Operator::TryTable { try_table } => blocks.open(false, try_table.ty, arities),
            Operator::End => {
                blocks.close();
                continue;
            }
            _ => continue,
        }
        blocks.check(locals)?;
    }
    Ok(())
}
