//! Where audio goes at a seam: gaps of a part of a packet, and of more than one.

use filmgate::join::clock::{AudioTimeline, Fit};

const STEP: i64 = 1000;

/// A chain that ends at a seam, at 10 packets.
fn at_a_seam(silent: Option<i64>) -> AudioTimeline {
    let mut chain = AudioTimeline::new(silent);
    chain.put(9 * STEP, STEP);
    chain.seam();
    chain
}

#[test]
fn a_gap_at_a_seam_is_filled_to_the_nearest_packet() {
    // The gap in thousandths of a packet, and the packets of silence.
    for (gap, silent) in [
        (0, 0),
        (400, 0),
        (500, 0),
        (600, 1),
        (1000, 1),
        (1400, 1),
        (1600, 2),
        (2400, 2),
        (2600, 3),
    ] {
        let wanted = 10 * STEP + gap;
        let fit = at_a_seam(Some(STEP)).fit(wanted, STEP, 0);
        let at = 10 * STEP + silent * STEP;
        assert_eq!(fit, Fit::Place { at, silent: silent.unsigned_abs() }, "a gap of {gap}");
        assert!((at - wanted).abs() <= STEP / 2, "a gap of {gap}: {at}");
    }
}

#[test]
fn what_lies_before_the_end_by_more_than_half_a_packet_is_left_out() {
    for (early, left_out) in [(0, false), (400, false), (500, false), (600, true), (1400, true)] {
        let fit = at_a_seam(Some(STEP)).fit(10 * STEP - early, STEP, 0);
        let wanted = if left_out { Fit::LeaveOut } else { Fit::Place { at: 10 * STEP, silent: 0 } };
        assert_eq!(fit, wanted, "{early} early");
    }
}

#[test]
fn within_a_segment_a_gap_is_one_from_a_packet_and_a_half_on() {
    for (gap, silent) in [(600, 0), (1400, 0), (1500, 0), (1600, 2), (2400, 2)] {
        let mut chain = AudioTimeline::new(Some(STEP));
        chain.put(0, STEP);
        chain.seam();
        assert_eq!(chain.fit(STEP, STEP, 0), Fit::Place { at: STEP, silent: 0 });
        chain.put(STEP, STEP);
        let fit = chain.fit(2 * STEP + gap, STEP, 0);
        let at = 2 * STEP + silent * STEP;
        assert_eq!(fit, Fit::Place { at, silent: silent.unsigned_abs() }, "a gap of {gap}");
    }
}

#[test]
fn the_end_is_filled_up_to_the_nearest_packet() {
    for (gap, silent) in [(0, 0), (400, 0), (500, 0), (600, 1), (1400, 1), (1600, 2)] {
        assert_eq!(at_a_seam(Some(STEP)).missing(10 * STEP + gap, 0), silent, "a gap of {gap}");
    }
}

#[test]
fn without_silence_a_gap_stays_a_gap() {
    for gap in [600, 1400, 2600] {
        let wanted = 10 * STEP + gap;
        assert_eq!(at_a_seam(None).fit(wanted, STEP, 0), Fit::Place { at: wanted, silent: 0 });
    }
}
