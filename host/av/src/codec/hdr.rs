//! Static HDR metadata: the display that pictures were mastered on (SMPTE ST 2086) and how light
//! they get (CTA-861.3). Containers may hold it, and so may the coded pictures (SEI, ITU-T H.265
//! D.2.28 and D.2.35), where libav finds it only once one is decoded.

use std::ffi::{c_int, c_uint};

use crate::av::AvFrame;
use crate::codec::decode::{DecodeOptions, open_decoder};
use crate::demux::facts::side_data;
use crate::demux::open::Input;
use crate::error::MediaError;
use crate::versions::new_side_data;
use ffmpeg_next::ffi::{self, AVPacketSideDataType as Packed};

/// Packets, of all streams, in which a first picture is looked for.
const LOOK: usize = 256;

const MASTERING: Packed = Packed::AV_PKT_DATA_MASTERING_DISPLAY_METADATA;
const LIGHT: Packed = Packed::AV_PKT_DATA_CONTENT_LIGHT_LEVEL;

/// `AVMasteringDisplayMetadata` (libavutil/mastering_display_metadata.h).
#[repr(C)]
struct Mastering {
    display_primaries: [[ffi::AVRational; 2]; 3],
    white_point: [ffi::AVRational; 2],
    min_luminance: ffi::AVRational,
    max_luminance: ffi::AVRational,
    has_primaries: c_int,
    has_luminance: c_int,
}

/// `AVContentLightMetadata` (the same header).
#[repr(C)]
struct Light {
    max_cll: c_uint,
    max_fall: c_uint,
}

impl Input {
    /// Looks into the first picture of a stream of high dynamic range for what its container does
    /// not say, so that it is known to outputs. The packets read for it come again.
    ///
    /// # Errors
    /// Those of [`Input::read`], and OutOfMemory. Pictures that cannot be decoded are left to
    /// whoever decodes them all.
    pub fn learn_hdr(&mut self, stream: usize) -> Result<(), MediaError> {
        const PQ: ffi::AVColorTransferCharacteristic =
            ffi::AVColorTransferCharacteristic::AVCOL_TRC_SMPTE2084;
        let raw = self.stream(stream)?;
        // SAFETY: the stream is the input's and valid; so are its parameters.
        let (known, pq, par, time_base) = unsafe {
            let par = (*raw).codecpar;
            let known = side_data(raw, MASTERING).is_some() || side_data(raw, LIGHT).is_some();
            (known, (*par).color_trc == PQ, par, (*raw).time_base)
        };
        if known || !pq {
            return Ok(());
        }
        let options = DecodeOptions { threads: 1, ..DecodeOptions::default() };
        // SAFETY: valid parameters.
        let Ok(mut codec) =
            (unsafe { open_decoder(par, time_base, "the first picture", &options) })
        else {
            return Ok(());
        };
        let mut frame = AvFrame::new().ok_or_else(|| MediaError::memory("decode"))?;
        let mut packets = Vec::new();
        let mut found = false;
        while !found && packets.len() < LOOK {
            let Some(packet) = self.read()? else { break };
            if packet.stream() == stream {
                // SAFETY: an open decoder, a valid packet, a blank or unreferenced frame.
                found = unsafe {
                    ffi::avcodec_send_packet(codec.as_mut_ptr(), packet.packet.as_ptr());
                    ffi::avcodec_receive_frame(codec.as_mut_ptr(), frame.as_mut_ptr()) == 0
                };
            }
            packets.push(packet);
        }
        self.progress.put_back(packets);
        if found {
            // SAFETY: a decoded frame; the stream is this input's, and nothing else uses it.
            unsafe { adopt(&frame, raw) };
        }
        Ok(())
    }

    /// Looks into the first picture of DV for whether it consists of fields, which no container says:
    /// VAUX source control, its pack 0x61 in the first VAUX block (IEC 61834-4, 9.2; libav's dvdec.c).
    ///
    /// # Errors
    /// Those of [`Input::read`].
    pub fn learn_fields(&mut self, stream: usize) -> Result<(), MediaError> {
        const CONTROL: usize = 80 * 5 + 48 + 5;
        let facts = &self.facts.streams[stream];
        if facts.codec != "dvvideo" || facts.video.as_ref().is_none_or(|v| v.interlaced.is_some()) {
            return Ok(());
        }
        let fields = |packet: &[u8]| match packet.get(CONTROL..CONTROL + 4) {
            Some([0x61, _, _, flags]) if flags & 0x10 != 0 => Some(flags & 0x40 == 0),
            _ => None,
        };
        let interlaced = self.look_at_first(stream, fields)?.flatten();
        if let Some(video) = &mut self.facts.streams[stream].video {
            video.interlaced = interlaced;
        }
        Ok(())
    }

    /// What `look` makes of the first packet of a stream, which is then read as ever; none where
    /// none comes soon.
    ///
    /// # Errors
    /// Of reading.
    pub fn look_at_first<T>(
        &mut self,
        stream: usize,
        look: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, MediaError> {
        let mut packets = Vec::new();
        while packets.len() < LOOK {
            let Some(packet) = self.read()? else { break };
            let found = packet.stream() == stream;
            packets.push(packet);
            if found {
                break;
            }
        }
        let first = packets.last().filter(|packet| packet.stream() == stream);
        let seen = first.map(|packet| look(packet.data()));
        self.progress.put_back(packets);
        Ok(seen)
    }

    /// What x265 is to write into its stream, as `x265-params`; none where nothing is known.
    pub fn x265_hdr(&self, stream: usize) -> Option<String> {
        let raw = self.stream(stream).ok()?;
        // SAFETY: the stream is valid, and the structures are nothing but numbers.
        let (mastering, light) =
            unsafe { (structure::<Mastering>(raw, MASTERING), structure::<Light>(raw, LIGHT)) };
        let mut params = mastering.as_ref().map(master_display).unwrap_or_default();
        params.extend(light.map(|l| format!("max-cll={},{}", l.max_cll, l.max_fall)));
        (!params.is_empty()).then(|| format!("hdr10=1:{}", params.join(":")))
    }
}

/// x265's `master-display` (x265.readthedocs.io, "--master-display"): chromaticity in steps of
/// 0.00002, luminance in steps of 0.0001 cd/m².
fn master_display(m: &Mastering) -> Vec<String> {
    if m.has_primaries == 0 || m.has_luminance == 0 {
        return Vec::new();
    }
    let steps = |value: ffi::AVRational, a_unit: f64| match value.den {
        0 => 0,
        den => (f64::from(value.num) / f64::from(den) * a_unit).round() as i64,
    };
    let [red, green, blue] =
        m.display_primaries.map(|p| (steps(p[0], 50_000.0), steps(p[1], 50_000.0)));
    let white = (steps(m.white_point[0], 50_000.0), steps(m.white_point[1], 50_000.0));
    let (most, least) = (steps(m.max_luminance, 10_000.0), steps(m.min_luminance, 10_000.0));
    let point = |name: &str, (x, y): (i64, i64)| format!("{name}({x},{y})");
    vec![format!(
        "master-display={}{}{}{}L({most},{least})",
        point("G", green),
        point("B", blue),
        point("R", red),
        point("WP", white)
    )]
}

/// Side data of a stream as the structure that it is; none where it is too short for that.
///
/// # Safety
/// The stream is valid; any bytes make a `T`.
unsafe fn structure<T>(stream: *const ffi::AVStream, kind: Packed) -> Option<T> {
    // SAFETY: the caller's promise; there are enough bytes, aligned or not.
    unsafe {
        let bytes = side_data(stream, kind).filter(|b| b.len() >= size_of::<T>())?;
        Some(bytes.as_ptr().cast::<T>().read_unaligned())
    }
}

/// Puts what a decoded picture says beside its stream.
///
/// # Safety
/// The stream is valid and nothing else uses it.
unsafe fn adopt(frame: &AvFrame, stream: *mut ffi::AVStream) {
    use ffi::AVFrameSideDataType::*;
    let kinds = [
        (AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, MASTERING),
        (AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, LIGHT),
    ];
    for (from, to) in kinds {
        // SAFETY: a valid frame; its entries are `size` bytes, which is what is made room for.
        unsafe {
            let entry = ffi::av_frame_get_side_data(frame.as_ptr(), from);
            let Some(entry) = entry.as_ref().filter(|e| !e.data.is_null()) else { continue };
            let place = new_side_data(stream, to, entry.size);
            if !place.is_null() {
                std::ptr::copy_nonoverlapping(entry.data, place, entry.size);
            }
        }
    }
}

/// Adds to an encoder's `x265-params`, unless the user said otherwise.
pub(crate) fn with_hdr(wanted: &mut Vec<(String, String)>, hdr: &str) {
    match wanted.iter_mut().rfind(|(key, _)| key == "x265-params") {
        Some((_, value)) if value.contains("master-display") || value.contains("max-cll") => {}
        Some((_, value)) => *value = format!("{value}:{hdr}"),
        None => wanted.push(("x265-params".to_owned(), hdr.to_owned())),
    }
}
