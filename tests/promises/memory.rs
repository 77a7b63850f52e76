//! What a plugin takes is capped in total: its memories, its tables, and the frames that it holds
//! in the host.

use filmgate::plugin::{Failure, Filter, Limits, PluginError};
use filmgate_tests::hostile::{Module, failure, frame, memory, stream};

/// The cap of these tests, in MiB, and in pages of 64 KiB.
const CAP: usize = 64;
const PAGES: usize = CAP << 4;

fn one_frame(module: &Module, limits: &Limits) -> Result<(usize, usize), PluginError> {
    let plugin = module.load(limits)?;
    let info = stream(64, 64);
    let mut filter = Filter::start(&plugin, &info, &[])?;
    let frames = filter.process(frame(&info, 0))?.len();
    Ok((frames, filter.memory()))
}

fn is_memory(error: &PluginError) -> bool {
    matches!(failure(error), Some(Failure::Memory(_)))
}

/// Grows by `step` pages until it is refused, then traps or goes on.
fn grow(step: usize, then: &str) -> Module {
    Module::processing(&format!(
        "(loop $more
           (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const {step})))))
         {then} (call $same (local.get $frame))"
    ))
}

#[test]
fn growth_stops_at_the_cap_and_the_plugin_goes_on_if_it_can() {
    for step in [1, 7, 100] {
        let (frames, used) = one_frame(&grow(step, ""), &memory(CAP)).expect("goes on");
        assert_eq!(frames, 1);
        assert!(used <= CAP << 20, "{used} bytes");
        assert!(used > (CAP << 20) - (step << 16), "{used} bytes, refused too early");
    }
}

#[test]
fn a_trap_behind_refused_growth_is_told_as_what_it_is() {
    let error = one_frame(&grow(1, "(unreachable)"), &memory(CAP)).expect_err("traps");
    assert!(is_memory(&error), "{error}");
    assert!(error.to_string().contains("64 MiB"), "{error}");
    // But not when the growth was refused in a call before and borne.
    let later =
        Module::serial("(drop (memory.grow (i32.const 60000))) (call $none)", "(unreachable)");
    let plugin = later.load(&memory(CAP)).expect("loads");
    let info = stream(8, 8);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    filter.process(frame(&info, 0)).expect("goes on");
    let error = filter.flush().expect_err("traps");
    assert!(matches!(failure(&error), Some(Failure::Trap(_))), "{error}");
}

#[test]
fn an_initial_memory_above_the_cap_is_refused_clearly() {
    let large = Module { memory: format!("{}", PAGES + 1), ..Module::default() };
    let error = large.load(&memory(CAP)).err().expect("refused");
    assert!(is_memory(&error), "{error}");
    assert!(error.to_string().contains("64 MiB"), "{error}");
    // The component's own small tables count as well.
    let just = Module { memory: format!("{}", PAGES - 1), ..Module::default() };
    assert!(just.load(&memory(CAP)).is_ok());
}

#[test]
fn many_memories_count_together() {
    let memories = |count: usize, pages: usize| Module {
        fields: (0..count).map(|i| format!("(memory $m{i} {pages})")).collect(),
        ..Module::default()
    };
    // Each of them far below the cap.
    let error = memories(20, PAGES / 16).load(&memory(CAP)).err().expect("refused");
    assert!(is_memory(&error), "{error}");
    assert!(memories(8, PAGES / 16).load(&memory(CAP)).is_ok());
    // Growing them in turn.
    let growing = Module {
        fields: (0..8).map(|i| format!("(memory $m{i} 1)")).collect(),
        process: format!(
            "{} (call $same (local.get $frame))",
            (0..8)
                .map(|i| format!("(drop (memory.grow $m{i} (i32.const {})))", PAGES / 4))
                .collect::<String>()
        ),
        ..Module::default()
    };
    let (_, used) = one_frame(&growing, &memory(CAP)).expect("goes on");
    assert!(used <= CAP << 20 && used > CAP << 19, "{used} bytes");
}

#[test]
fn more_memories_than_address_space_allows_are_refused() {
    let many = Module {
        fields: (0..90).map(|i| format!("(memory $m{i} 0)")).collect(),
        ..Module::default()
    };
    let error = many.load(&memory(CAP)).err().expect("refused");
    assert!(failure(&error).is_some(), "{error}");
    println!("{error}");
}

#[test]
fn tables_count_too() {
    let table =
        |size: usize| Module { fields: format!("(table $t {size} funcref)"), ..Module::default() };
    let error = table(CAP << 20 >> 3).load(&memory(CAP)).err().expect("refused");
    assert!(is_memory(&error), "{error}");
    assert!(table(1000).load(&memory(CAP)).is_ok());
    let growing = Module {
        fields: "(table $t 1 externref)".to_owned(),
        ..Module::processing(
            "(loop $more (br_if $more (i32.ne (i32.const -1)
               (table.grow $t (ref.null extern) (i32.const 10000)))))
             (drop (memory.grow (i32.const 60000)))
             (i32.store (i32.const 0x400) (table.size $t))
             (call $same (local.get $frame))",
        )
    };
    let (_, used) = match one_frame(&growing, &memory(CAP)) {
        Ok(done) => done,
        // `externref` is a part of the language that this host may leave out.
        Err(PluginError::NotAComponent { .. }) => {
            let funcs = Module {
                fields: growing.fields.replace("externref", "funcref"),
                process: growing.process.replace("ref.null extern", "ref.null func"),
                ..growing
            };
            one_frame(&funcs, &memory(CAP)).expect("goes on")
        }
        Err(e) => panic!("{e}"),
    };
    assert!(used <= CAP << 20 && used > CAP << 19, "{used} bytes");
}

#[test]
fn shared_memories_which_nothing_would_count_are_not_there() {
    let shared = Module { fields: "(memory $m 1 60000 shared)".to_owned(), ..Module::default() };
    let error = shared.load(&memory(CAP)).err().expect("refused");
    assert!(matches!(error, PluginError::NotAComponent { .. }), "{error}");
}

#[test]
fn sixty_four_bit_memories_count_too() {
    let large = Module {
        fields: "(memory $m i64 1)".to_owned(),
        ..Module::processing(
            "(loop $more (br_if $more (i64.ne (i64.const -1)
               (memory.grow $m (i64.const 100)))))
             (if (i64.ne (i64.const -1) (memory.grow $m (i64.const 0x1000000000000)))
               (then (unreachable)))
             (call $same (local.get $frame))",
        )
    };
    match one_frame(&large, &memory(CAP)) {
        Ok((_, used)) => assert!(used <= CAP << 20 && used > CAP << 19, "{used} bytes"),
        Err(e) => assert!(matches!(e, PluginError::NotAComponent { .. }), "{e}"),
    }
}

#[test]
fn the_cap_of_one_plugin_is_not_felt_by_another() {
    let info = stream(64, 64);
    let greedy = grow(1, "").load(&memory(CAP)).expect("loads");
    let mut filters: Vec<Filter> =
        (0..8).map(|_| Filter::start(&greedy, &info, &[]).expect("starts")).collect();
    for filter in &mut filters {
        filter.process(frame(&info, 0)).expect("goes on");
        assert!(filter.memory() > (CAP - 1) << 20, "{}", filter.memory());
    }
}

// ---- frames, which stand in the host ---------------------------------------------------------

/// A loop that makes a handle a turn.
fn endless(make: &str) -> Module {
    Module::processing(&format!("(loop $more (drop {make}) (br $more)) (unreachable)"))
}

/// `new` of the size and format, the latter at 0x140.
fn new(width: u32, height: u32) -> String {
    format!(
        "(call $new (i32.const {width}) (i32.const {height}) (i32.const 0x140) (i32.const 5)
           (i64.const 0) (i64.const 0) (i32.const 0) (i64.const 0))"
    )
}

fn misuse(module: &Module, limits: &Limits) -> String {
    let error = one_frame(module, limits).expect_err("is ended");
    match failure(&error) {
        Some(Failure::Misuse(reason)) => reason.clone(),
        _ => panic!("{error}"),
    }
}

#[test]
fn clones_and_new_frames_end_at_the_most_that_may_be_held() {
    let limits = Limits { frames: 100, ..Limits::default() };
    for make in ["(call $clone (local.get $frame))", &new(16, 16)] {
        let reason = misuse(&endless(make), &limits);
        assert!(reason.contains("more than 100 frames"), "{make}: {reason}");
    }
    // A hundred at one time is fine.
    let just = Module::processing(
        "(local.set $j (i32.const 99))
         (loop $more
           (i32.store (i32.add (i32.const 0x400) (i32.mul (local.get $i) (i32.const 4)))
             (call $clone (local.get $frame)))
           (br_if $more (i32.lt_u
             (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $j))))
         (call $drop (local.get $frame))
         (call $list (i32.const 99))",
    );
    assert_eq!(one_frame(&just, &limits).expect("sound").0, 99);
}

#[test]
fn frames_of_the_largest_size_end_at_the_cap() {
    for (width, height) in [(16_384, 4_096), (8_192, 8_192), (4_096, 16_384)] {
        // 64 MiB each.
        let reason = misuse(&endless(&new(width, height)), &Limits::default());
        assert!(reason.contains("256 MiB of frames"), "{reason}");
    }
    for (width, height) in [(16_385, 1), (16_384, 4_097), (0, 5), (u32::MAX, u32::MAX)] {
        let reason = misuse(&endless(&new(width, height)), &Limits::default());
        assert!(reason.contains("a picture of"), "{reason}");
    }
}

#[test]
fn planes_set_beside_the_ones_they_replace_count() {
    // Frames of 16 MiB that are kept, each changed: the one that came in stands beside it.
    let keep = Module {
        memory: "300".to_owned(),
        ..Module::serial(
            "(call $set-plane (local.get $frame) (i32.const 0)
               (i32.const 0x10000) (i32.const 0x1000000)) (call $none)",
            "(call $none)",
        )
    };
    let plugin = keep.load(&Limits::default()).expect("loads");
    let info = stream(4096, 4096);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    let held = (0..)
        .find_map(|index| filter.process(frame(&info, index)).err().map(|e| (index, e)))
        .expect("ends some time");
    assert_eq!(held.0, 8, "{}", held.1);
}

/// A plane is handed over in one piece, and may be larger than all else that is.
#[test]
fn planes_of_every_size_can_be_handed_over() {
    for (width, height) in [(16_384, 4_096), (8_192, 8_192), (1920, 1080), (1, 1)] {
        let size = width * height;
        let module = Module {
            memory: "1100".to_owned(),
            ..Module::processing(&format!(
                "(call $set-plane (local.get $frame) (i32.const 0)
                   (i32.const 0x10000) (i32.const {size}))
                 (call $same (local.get $frame))"
            ))
        };
        let plugin = module.load(&Limits::default()).expect("loads");
        let info = stream(width, height);
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        let answer = filter.process(frame(&info, 1));
        assert_eq!(answer.map(|f| f.len()).map_err(|e| e.to_string()), Ok(1), "{width}x{height}");
    }
}

#[test]
fn tags_count_and_are_bounded() {
    // A value of 64 KiB under ever new keys: the most is 64 tags a frame.
    let tags = |value: usize| {
        Module::processing(&format!(
            "(loop $more
               (i32.store (i32.const 0x500) (i32.add (i32.const 0x41414141)
                 (i32.add (i32.mul (i32.div_u (local.get $i) (i32.const 26)) (i32.const 256))
                   (i32.rem_u (local.get $i) (i32.const 26)))))
               (call $set-tag (local.get $frame) (i32.const 0x500) (i32.const 4)
                 (i32.const 0x20000) (i32.const {value}))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br $more)) (unreachable)"
        ))
    };
    assert!(misuse(&tags(1 << 16), &Limits::default()).contains("64 tags"));
    assert!(misuse(&tags((1 << 16) + 1), &Limits::default()).contains("65537"));
    // And what they take counts as what frames take does.
    assert!(misuse(&tags(1 << 16), &memory(1)).contains("1 MiB of frames"));
}

#[test]
fn handles_of_dropped_frames_are_given_back() {
    let churn = Module::processing(
        "(loop $more
           (call $drop (call $clone (local.get $frame)))
           (br_if $more (i32.lt_u
             (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))
         (call $same (local.get $frame))",
    );
    assert_eq!(one_frame(&churn, &Limits::default()).expect("sound").0, 1);
}
