//! The `frames` interface as the host serves it: pictures that the host owns and a plugin holds
//! handles of, every call checked before it is believed.

use std::ops::Range;

use bytes::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, WasmList};

use super::bindings::frames::{FrameInfo, Host, HostFrame};
use super::guest::{Guest, Misuse};
use super::held::{HeldFrame, check_duration, check_timestamp};
use filmgate_core::frame::Plane;

const INTERFACE: &str = "filmgate:plugin/frames@0.1.0";

const TAGS: usize = 64;
const TAG_KEY_BYTES: usize = 64;
const TAG_VALUE_BYTES: usize = 64 << 10;

impl Host for Guest {}

impl HostFrame for Guest {
    fn new(&mut self, info: FrameInfo) -> wasmtime::Result<Resource<HeldFrame>> {
        Ok(self.frames.hold(HeldFrame::new(info)?)?)
    }

    fn like(
        &mut self,
        origin: Resource<HeldFrame>,
        info: FrameInfo,
    ) -> wasmtime::Result<Resource<HeldFrame>> {
        let made = self.frames.get(&origin)?.like(info)?;
        Ok(self.frames.hold(made)?)
    }

    fn crop(
        &mut self,
        frame: Resource<HeldFrame>,
        left: u32,
        top: u32,
        width: u32,
        height: u32,
    ) -> wasmtime::Result<()> {
        let held = self.frames.get_mut(&frame)?;
        Ok(held.crop((left, top), (width, height), &self.make)?)
    }

    fn flip(
        &mut self,
        frame: Resource<HeldFrame>,
        horizontal: bool,
        vertical: bool,
    ) -> wasmtime::Result<()> {
        self.frames.get_mut(&frame)?.flip(horizontal, vertical, &self.make)?;
        Ok(self.frames.check_room(0)?)
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

    // The four that carry samples are shadowed by those of `link_samples`, which copy once less.

    fn plane(&mut self, frame: Resource<HeldFrame>, index: u32) -> wasmtime::Result<Vec<u8>> {
        Ok(self.frames.get_mut(&frame)?.plane(index, &self.make)?.to_packed())
    }

    fn set_plane(
        &mut self,
        frame: Resource<HeldFrame>,
        index: u32,
        samples: Vec<u8>,
    ) -> wasmtime::Result<()> {
        let held = self.frames.get_mut(&frame)?;
        let (_, size) = held.slot(index)?;
        check_length(index, samples.len(), size.bytes())?;
        held.set_plane(index, self.make.pool.copy(&samples, size).map_err(Misuse)?)?;
        Ok(self.frames.check_room(0)?)
    }

    fn rows(
        &mut self,
        frame: Resource<HeldFrame>,
        index: u32,
        first: u32,
        count: u32,
    ) -> wasmtime::Result<Vec<u8>> {
        let held = self.frames.get_mut(&frame)?;
        let (plane, rows) = held.rows(index, first, count, &self.make)?;
        Ok(rows.flat_map(|y| plane.row(y).iter().copied()).collect())
    }

    fn set_rows(
        &mut self,
        frame: Resource<HeldFrame>,
        index: u32,
        first: u32,
        samples: Vec<u8>,
    ) -> wasmtime::Result<()> {
        let held = self.frames.get_mut(&frame)?;
        let (mut draft, bytes) = held.take_draft(index, first, samples.len(), &self.make)?;
        draft.bytes_mut()[bytes].copy_from_slice(&samples);
        held.put_draft(index, draft)?;
        Ok(self.frames.check_room(0)?)
    }

    fn set_timestamp(
        &mut self,
        frame: Resource<HeldFrame>,
        timestamp: i64,
    ) -> wasmtime::Result<()> {
        check_timestamp(timestamp)?;
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
        let copy = self.frames.get_mut(&frame)?.duplicate(&self.make)?;
        Ok(self.frames.hold(copy)?)
    }

    fn drop(&mut self, frame: Resource<HeldFrame>) -> wasmtime::Result<()> {
        self.frames.take(&frame)?;
        Ok(())
    }
}

fn check_length(index: u32, given: usize, wanted: usize) -> Result<(), Misuse> {
    if given == wanted {
        return Ok(());
    }
    Err(Misuse(format!("gave {given} bytes for plane {index}, which has {wanted}")))
}

/// Bytes of a packed plane for wasmtime to copy straight into the guest.
struct Part {
    plane: Plane,
    bytes: Range<usize>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        self.plane.as_packed().map_or(&[], |all| &all[self.bytes.clone()])
    }
}

/// Some rows of a plane, without a copy of them where they lie packed.
fn lend(plane: Plane, rows: Range<usize>) -> Bytes {
    let row_bytes = plane.size().row_bytes;
    match plane.as_packed() {
        Some(_) => {
            let bytes = rows.start * row_bytes..rows.end * row_bytes;
            Bytes::from_owner(Part { plane, bytes })
        }
        None => {
            let mut packed = Vec::with_capacity(rows.len() * row_bytes);
            rows.for_each(|y| packed.extend_from_slice(plane.row(y)));
            Bytes::from(packed)
        }
    }
}

/// Binds the methods that carry samples by hand, over the generated ones: one copy each, into the
/// guest's memory and out of it, where the generated ones make two.
pub(super) fn link_samples(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut frames = linker.instance(INTERFACE)?;
    frames.func_wrap("[method]frame.plane", plane_in_place)?;
    frames.func_wrap("[method]frame.set-plane", set_plane_in_place)?;
    frames.func_wrap("[method]frame.rows", rows_in_place)?;
    frames.func_wrap("[method]frame.set-rows", set_rows_in_place)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn plane_in_place(
    mut store: StoreContextMut<'_, Guest>,
    (frame, index): (Resource<HeldFrame>, u32),
) -> wasmtime::Result<(Bytes,)> {
    let guest = store.data_mut();
    let plane = guest.frames.get_mut(&frame)?.plane(index, &guest.make)?;
    let rows = plane.size().rows;
    Ok((lend(plane, 0..rows),))
}

fn rows_in_place(
    mut store: StoreContextMut<'_, Guest>,
    (frame, index, first, count): (Resource<HeldFrame>, u32, u32, u32),
) -> wasmtime::Result<(Bytes,)> {
    let guest = store.data_mut();
    let (plane, rows) = guest.frames.get_mut(&frame)?.rows(index, first, count, &guest.make)?;
    Ok((lend(plane, rows),))
}

fn set_plane_in_place(
    mut store: StoreContextMut<'_, Guest>,
    (frame, index, samples): (Resource<HeldFrame>, u32, WasmList<u8>),
) -> wasmtime::Result<()> {
    let guest = store.data();
    let (_, size) = guest.frames.get(&frame)?.slot(index)?;
    check_length(index, samples.len(), size.bytes())?;
    let pool = guest.make.pool.clone();
    let plane = pool.copy(samples.as_le_slice(&store), size).map_err(Misuse)?;
    let frames = &mut store.data_mut().frames;
    frames.get_mut(&frame)?.set_plane(index, plane)?;
    Ok(frames.check_room(0)?)
}

fn set_rows_in_place(
    mut store: StoreContextMut<'_, Guest>,
    (frame, index, first, samples): (Resource<HeldFrame>, u32, u32, WasmList<u8>),
) -> wasmtime::Result<()> {
    let guest = store.data_mut();
    let held = guest.frames.get_mut(&frame)?;
    let (mut draft, bytes) = held.take_draft(index, first, samples.len(), &guest.make)?;
    draft.bytes_mut()[bytes].copy_from_slice(samples.as_le_slice(&store));
    let frames = &mut store.data_mut().frames;
    frames.get_mut(&frame)?.put_draft(index, draft)?;
    Ok(frames.check_room(0)?)
}
