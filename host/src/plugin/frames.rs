//! The `frames` interface as the host serves it: pictures that the host owns and a plugin holds
//! handles of, every call checked before it is believed.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, WasmList};

use super::bindings::frames::{FrameInfo, Host, HostFrame};
use super::guest::{Guest, Misuse};
use crate::frame::{Frame, PixelFormat, Plane, PlanePool, check_size};

const INTERFACE: &str = "filmgate:plugin/frames@0.1.0";

const TAGS: usize = 64;
const TAG_KEY_BYTES: usize = 64;
const TAG_VALUE_BYTES: usize = 64 << 10;

/// 64-bit numbers stay below this in magnitude (`wit/types.wit`).
const WHOLE: u64 = 1 << 53;

/// A picture of which a plugin has a handle. The planes of a picture that the plugin made stay
/// unmade until somebody looks at them.
#[allow(unreachable_pub, reason = "bindgen re-exports it within this crate")]
pub struct HeldFrame {
    /// everything but the planes
    facts: Frame,
    planes: Vec<Option<Plane>>,
    /// the picture that this is, or was cloned from; none for one that the plugin made
    source: Option<Arc<Source>>,
}

/// A picture as the host handed it in, whatever the plugin has done to it since.
pub(super) struct Source {
    /// how many were handed to this instance before it
    pub(super) turn: u64,
    pub(super) frame: Frame,
}

impl HeldFrame {
    pub(super) fn input(frame: Frame, turn: u64) -> HeldFrame {
        let source = Some(Arc::new(Source { turn, frame: frame.clone() }));
        let mut facts = frame;
        let planes = std::mem::take(&mut facts.planes).into_iter().map(Some).collect();
        HeldFrame { facts, planes, source }
    }

    fn new(info: FrameInfo) -> Result<HeldFrame, Misuse> {
        let format = PixelFormat::from_name(&info.format).ok_or_else(|| {
            Misuse(format!("asked for a frame of format `{}`", short(&info.format)))
        })?;
        check_size(info.width, info.height).map_err(|e| Misuse(format!("asked for {e}")))?;
        check_number(info.index, "number")?;
        check_number(info.timestamp.unsigned_abs(), "timestamp")?;
        check_duration(info.duration)?;
        let facts = Frame {
            format,
            width: info.width,
            height: info.height,
            planes: Vec::new(),
            index: info.index,
            timestamp: info.timestamp,
            duration: info.duration,
            tags: None,
            baggage: None,
        };
        Ok(HeldFrame { facts, planes: vec![None; format.plane_count()], source: None })
    }

    pub(super) fn source(&self) -> Option<&Arc<Source>> {
        self.source.as_ref()
    }

    pub(super) fn facts(&self) -> &Frame {
        &self.facts
    }

    /// Bytes that it takes at most, tags included. Clones that share planes count in full, and
    /// so does a plane beside the one that it replaced.
    pub(super) fn bytes(&self) -> usize {
        let tags = self.facts.tags.iter().flat_map(|t| t.iter()).map(|(k, v)| k.len() + v.len());
        let planes = self.facts.format.frame_bytes(self.facts.width, self.facts.height);
        planes + self.replaced() + tags.sum::<usize>()
    }

    /// Bytes of planes of the source that are kept although the plugin has set others.
    fn replaced(&self) -> usize {
        let Some(source) = &self.source else { return 0 };
        let same = |a: &Plane, b: &Option<Plane>| {
            b.as_ref().is_some_and(|b| Arc::ptr_eq(a.storage(), b.storage()))
        };
        let pairs = source.frame.planes.iter().zip(&self.planes);
        pairs.filter(|(a, b)| !same(a, b)).map(|(a, _)| a.size().bytes()).sum()
    }

    fn plane(&mut self, index: u32, pool: &PlanePool, full_range: bool) -> Result<Plane, Misuse> {
        let (slot, size) = self.slot(index)?;
        if let Some(plane) = &self.planes[slot] {
            return Ok(plane.clone());
        }
        let black = black(self.facts.format, slot, full_range);
        let plane = pool.filled(black, size).map_err(Misuse)?;
        self.planes[slot] = Some(plane.clone());
        Ok(plane)
    }

    fn slot(&self, index: u32) -> Result<(usize, crate::frame::PlaneSize), Misuse> {
        let f = &self.facts;
        let slot = index as usize;
        match f.format.plane_size(slot, f.width, f.height) {
            Some(size) => Ok((slot, size)),
            None => Err(Misuse(format!(
                "asked for plane {index} of a {} frame, which has {}",
                f.format,
                f.format.plane_count()
            ))),
        }
    }

    /// The whole picture, with planes that nobody ever set made black.
    pub(super) fn into_frame(
        mut self,
        pool: &PlanePool,
        full_range: bool,
    ) -> Result<Frame, Misuse> {
        for slot in 0..self.planes.len() as u32 {
            self.plane(slot, pool, full_range)?;
        }
        self.facts.planes = self.planes.into_iter().flatten().collect();
        Ok(self.facts)
    }

    fn duplicate(&self) -> HeldFrame {
        HeldFrame {
            facts: self.facts.clone(),
            planes: self.planes.clone(),
            source: self.source.clone(),
        }
    }
}

/// One black, opaque sample of a plane (ITU-R BT.601 and BT.709: 16 of 255 in limited range).
fn black(format: PixelFormat, plane: usize, full_range: bool) -> &'static [u8] {
    match (format, plane, full_range) {
        (PixelFormat::Rgba, ..) => &[0, 0, 0, 255],
        (f, 0, false) if f.is_yuv() && f.bits() == 8 => &[16],
        (f, 0, false) if f.is_yuv() => &[64, 0],
        (f, 1.., _) if f.is_yuv() && f.bits() == 8 => &[128],
        (f, 1.., _) if f.is_yuv() => &[0, 2],
        _ => &[0],
    }
}

fn short(text: &str) -> String {
    super::log::harmless(text, 64)
}

/// Media code that comes later computes with these numbers, and languages with doubles read them.
fn check_number(magnitude: u64, what: &str) -> Result<(), Misuse> {
    match magnitude < WHOLE {
        true => Ok(()),
        false => Err(Misuse(format!("gave a frame a {what} of 2^53 or more"))),
    }
}

fn check_duration(duration: Option<i64>) -> Result<(), Misuse> {
    check_number(duration.unwrap_or(0).unsigned_abs(), "duration")?;
    match duration {
        Some(d) if d <= 0 => Err(Misuse(format!("gave a frame the duration {d} ns"))),
        _ => Ok(()),
    }
}

impl Host for Guest {}

impl HostFrame for Guest {
    fn new(&mut self, info: FrameInfo) -> wasmtime::Result<Resource<HeldFrame>> {
        Ok(self.frames.hold(HeldFrame::new(info)?)?)
    }

    fn info(&mut self, frame: Resource<HeldFrame>) -> wasmtime::Result<FrameInfo> {
        let f = &self.frames.get(&frame)?.facts;
        Ok(FrameInfo {
            width: f.width,
            height: f.height,
            format: f.format.name().to_owned(),
            index: f.index,
            timestamp: f.timestamp,
            duration: f.duration,
        })
    }

    fn plane(&mut self, frame: Resource<HeldFrame>, index: u32) -> wasmtime::Result<Vec<u8>> {
        // Shadowed by `plane_in_place`, which copies once less.
        Ok(self.frames.get_mut(&frame)?.plane(index, &self.pool, self.full_range)?.to_packed())
    }

    fn set_plane(
        &mut self,
        frame: Resource<HeldFrame>,
        index: u32,
        samples: Vec<u8>,
    ) -> wasmtime::Result<()> {
        // Shadowed by `set_plane_in_place`, which copies once less.
        Ok(self.set_samples(&frame, index, &samples)?)
    }

    fn set_timestamp(
        &mut self,
        frame: Resource<HeldFrame>,
        timestamp: i64,
    ) -> wasmtime::Result<()> {
        check_number(timestamp.unsigned_abs(), "timestamp")?;
        self.frames.get_mut(&frame)?.facts.timestamp = timestamp;
        Ok(())
    }

    fn set_duration(
        &mut self,
        frame: Resource<HeldFrame>,
        duration: Option<i64>,
    ) -> wasmtime::Result<()> {
        check_duration(duration)?;
        self.frames.get_mut(&frame)?.facts.duration = duration;
        Ok(())
    }

    fn tag(&mut self, frame: Resource<HeldFrame>, key: String) -> wasmtime::Result<Option<String>> {
        let held = self.frames.get(&frame)?;
        Ok(held.facts.tags.as_ref().and_then(|t| t.get(&key)).cloned())
    }

    fn set_tag(
        &mut self,
        frame: Resource<HeldFrame>,
        key: String,
        value: String,
    ) -> wasmtime::Result<()> {
        if key.is_empty() || key.len() > TAG_KEY_BYTES || value.len() > TAG_VALUE_BYTES {
            return Err(Misuse(format!(
                "set a tag with a key of {} bytes and a value of {}; 1 to {TAG_KEY_BYTES} and at most {TAG_VALUE_BYTES} are allowed",
                key.len(),
                value.len()
            ))
            .into());
        }
        let tags = self.frames.get_mut(&frame)?.facts.tags.get_or_insert_default();
        tags.insert(key, value);
        if tags.len() > TAGS {
            return Err(Misuse(format!("set more than {TAGS} tags on a frame")).into());
        }
        Ok(self.frames.check_room(0)?)
    }

    fn clone(&mut self, frame: Resource<HeldFrame>) -> wasmtime::Result<Resource<HeldFrame>> {
        let copy = self.frames.get(&frame)?.duplicate();
        Ok(self.frames.hold(copy)?)
    }

    fn drop(&mut self, frame: Resource<HeldFrame>) -> wasmtime::Result<()> {
        self.frames.take(&frame)?;
        Ok(())
    }
}

impl Guest {
    fn set_samples(
        &mut self,
        frame: &Resource<HeldFrame>,
        index: u32,
        samples: &[u8],
    ) -> Result<(), Misuse> {
        let held = self.frames.get_mut(frame)?;
        let (slot, size) = held.slot(index)?;
        check_length(index, samples.len(), size.bytes())?;
        held.planes[slot] = Some(self.pool.copy(samples, size).map_err(Misuse)?);
        self.frames.check_room(0)
    }
}

fn check_length(index: u32, given: usize, wanted: usize) -> Result<(), Misuse> {
    if given == wanted {
        return Ok(());
    }
    Err(Misuse(format!("gave {given} bytes for plane {index}, which has {wanted}")))
}

/// Bytes of a packed plane for wasmtime to copy straight into the guest.
struct Whole(Plane);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        self.0.as_packed().unwrap_or_default()
    }
}

/// Binds the two methods that carry samples by hand, over the generated ones: one copy each,
/// into the guest's memory and out of it, where the generated ones make two.
pub(super) fn link_planes(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut frames = linker.instance(INTERFACE)?;
    frames.func_wrap("[method]frame.plane", plane_in_place)?;
    frames.func_wrap("[method]frame.set-plane", set_plane_in_place)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn plane_in_place(
    mut store: StoreContextMut<'_, Guest>,
    (frame, index): (Resource<HeldFrame>, u32),
) -> wasmtime::Result<(Bytes,)> {
    let guest = store.data_mut();
    let plane = guest.frames.get_mut(&frame)?.plane(index, &guest.pool, guest.full_range)?;
    Ok((match plane.as_packed() {
        Some(_) => Bytes::from_owner(Whole(plane)),
        None => Bytes::from(plane.to_packed()),
    },))
}

fn set_plane_in_place(
    mut store: StoreContextMut<'_, Guest>,
    (frame, index, samples): (Resource<HeldFrame>, u32, WasmList<u8>),
) -> wasmtime::Result<()> {
    let guest = store.data();
    let (slot, size) = guest.frames.get(&frame)?.slot(index)?;
    check_length(index, samples.len(), size.bytes())?;
    let pool = guest.pool.clone();
    let plane = pool.copy(samples.as_le_slice(&store), size).map_err(Misuse)?;
    let frames = &mut store.data_mut().frames;
    frames.get_mut(&frame)?.planes[slot] = Some(plane);
    Ok(frames.check_room(0)?)
}
