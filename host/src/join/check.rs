//! `--check-decode`: every segment that is joined is decoded, so that damage inside of packets,
//! which a join keeps as it is, has a name.

use super::error::JoinError;
use super::plan::Plan;
use crate::cancel::Cancel;
use crate::media::{
    DecodeOptions, Input, MediaError, OpenOptions, SoundDecoder, StreamKind, VideoDecoder,
};

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

fn faults(mut input: Input) -> Result<u64, MediaError> {
    let (mut films, mut sounds) = (Vec::new(), Vec::new());
    for facts in &input.facts().streams {
        match facts.kind {
            StreamKind::Video if !facts.attached_picture => {
                let decoder = VideoDecoder::new(&input, facts.index, &DecodeOptions::default())?;
                films.push((facts.index, decoder));
            }
            StreamKind::Audio => {
                sounds.push((facts.index, SoundDecoder::new(&input, facts.index)?));
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
