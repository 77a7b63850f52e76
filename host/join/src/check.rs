//! Segments looked at as a whole. `--check-decode`: every segment that is joined is decoded, so that
//! damage inside of packets, which a join keeps as it is, has a name. `--skip-bad`: those that are cut
//! off are found.

use std::path::Path;

use super::error::JoinError;
use super::plan::Plan;
use super::segment::quick;
use filmgate_av::{
    AudioDecoder, DecodeOptions, Input, MediaError, MediaErrorKind, OpenOptions, StreamKind,
    VideoDecoder,
};
use filmgate_core::cancel::Cancel;

/// A segment that cannot be decoded without a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    pub place: usize,
    /// packets and pictures
    pub faults: u64,
}

/// Decodes film and sound of all segments that are joined; those with faults.
///
/// # Errors
/// Media where a segment cannot be read or has no decoder here; Cancelled.
pub fn decode(plan: &Plan, cancel: &Cancel) -> Result<Vec<Damaged>, JoinError> {
    let mut found = Vec::new();
    for (place, planned) in plan.joined() {
        let input = Input::open(&planned.segment.path, &OpenOptions::files(cancel))?;
        let faults = faults(input)?;
        if faults > 0 {
            found.push(Damaged { place, faults });
        }
    }
    Ok(found)
}

/// The segments from a place on that cannot be read to their end, with the reason. Only those are
/// read whose header does not say where their packets are: of all others it was compared with the
/// file's size.
///
/// # Errors
/// Cancelled, OutOfMemory.
pub fn unreadable(
    plan: &Plan,
    from: usize,
    cancel: &Cancel,
) -> Result<Vec<(usize, MediaError)>, MediaError> {
    let mut found = Vec::new();
    for (place, planned) in plan.joined().filter(|(place, p)| *place >= from && !p.segment.quick) {
        match read(&planned.segment.path, cancel) {
            Ok(()) => {}
            Err(e) if matches!(e.kind, MediaErrorKind::Cancelled | MediaErrorKind::OutOfMemory) => {
                return Err(e);
            }
            Err(e) => found.push((place, e)),
        }
    }
    Ok(found)
}

fn read(path: &Path, cancel: &Cancel) -> Result<(), MediaError> {
    let mut input = Input::open(path, &quick(cancel))?;
    while input.read()?.is_some() {}
    Ok(())
}

fn faults(mut input: Input) -> Result<u64, MediaError> {
    let (mut films, mut sounds) = (Vec::new(), Vec::new());
    for facts in &input.facts().streams {
        match facts.kind {
            StreamKind::Video if !facts.attached_picture => {
                let decoder = VideoDecoder::new(&input, facts.index, &DecodeOptions::default())?;
                films.push((facts.index, decoder));
            }
            StreamKind::Audio => {
                sounds.push((facts.index, AudioDecoder::new(&input, facts.index)?));
            }
            _ => {}
        }
    }
    let mut broken = 0;
    while let Some(packet) = input.read()? {
        let stream = packet.stream();
        if let Some((_, film)) = films.iter_mut().find(|(i, _)| *i == stream) {
            film.send(&packet)?;
            while film.receive()?.is_some() {}
        }
        if let Some((_, sound)) = sounds.iter_mut().find(|(i, _)| *i == stream) {
            sound.send(Some(&packet))?;
        }
    }
    for (_, film) in &mut films {
        film.end()?;
        loop {
            match film.receive() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                // Not one picture.
                Err(_) => {
                    broken += 1;
                    break;
                }
            }
        }
        broken += film.damaged();
    }
    for (_, sound) in &mut sounds {
        sound.send(None)?;
        broken += sound.damaged();
    }
    Ok(broken)
}
