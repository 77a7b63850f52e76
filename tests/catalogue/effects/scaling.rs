//! `scale`: numpy and Pillow make the same of real pictures, and so does FFmpeg's `scale`.

use std::path::Path;

use filmgate::frame::PixelFormat;
use filmgate_tests::outside::script;
use serde_json::{Value, json};

use super::{SIZES, Size, ffmpeg_name, film, filtered, load, pairs};

/// Larger, smaller, both, hardly anything.
const OUTPUTS: [Size; 5] = [(640, 360), (160, 90), (97, 201), (3, 2), (1, 1)];

/// How far a sample may be off, in steps of the format: the weights are rounded to 14 bits.
fn tolerance(format: PixelFormat) -> u32 {
    match format.bits() {
        8 => 1,
        10 => 1,
        _ => 64,
    }
}

#[test]
fn scale_is_as_defined_and_pillows() {
    let plugin = load("scale");
    let folder = tempfile::tempdir().expect("a folder for pictures");
    let (mut jobs, mut allowed): (Vec<Value>, Vec<(u32, String)>) = (Vec::new(), Vec::new());
    for format in PixelFormat::ALL {
        for size in SIZES {
            let input = folder.path().join(format!("{format}-{}x{}", size.0, size.1));
            std::fs::write(&input, &*film(format, size)).expect("pictures can be written");
            for output in OUTPUTS {
                for more in ["filter=lanczos", "filter=bilinear,chroma=center"] {
                    let sides = format!("width={},height={},{more}", output.0, output.1);
                    let ours = folder.path().join(jobs.len().to_string());
                    std::fs::write(&ours, filtered(&plugin, &sides, format, size))
                        .expect("pictures can be written");
                    let parameters: std::collections::HashMap<_, _> =
                        pairs(more).into_iter().collect();
                    jobs.push(json!({
                        "format": format.name(), "width": size.0, "height": size.1,
                        "output": [output.0, output.1], "parameters": parameters,
                        "in": input, "ours": ours,
                    }));
                    allowed.push((tolerance(format), format!("{format} {size:?} {sides}")));
                }
            }
        }
    }
    let list = folder.path().join("jobs.json");
    std::fs::write(&list, json!(jobs).to_string()).expect("a list can be written");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/effects/scaling.py");
    let said = script(&program, &[list.as_os_str()]);
    assert_eq!(said.lines().count(), allowed.len());
    for (line, (allowed, what)) in said.lines().zip(allowed) {
        let mut found = line.split(' ').map(|number| number.parse::<i64>().expect("a number"));
        let (numpy, pillow) = (found.next().expect("numpy's"), found.next().expect("Pillow's"));
        assert!(numpy <= i64::from(allowed), "{what}: {numpy} from numpy's");
        assert!(pillow <= i64::from(allowed), "{what}: {pillow} from Pillow's");
    }
}

/// The mean of the squared differences, as decibels.
fn psnr(ours: &[u8], theirs: &[u8]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let squares = ours.iter().zip(theirs).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let mean = squares.sum::<f64>() / ours.len() as f64;
    10.0 * (255.0_f64.powi(2) / mean.max(1e-9)).log10()
}

/// swscale rounds its weights and what is between the passes otherwise, and takes the outermost
/// sample for those beyond the border.
#[test]
fn scale_is_nearly_swscales() {
    let plugin = load("scale");
    for format in [PixelFormat::Yuv420p, PixelFormat::Yuv444p, PixelFormat::Gray8] {
        for (size, output) in [((320, 180), (640, 360)), ((320, 180), (160, 90))] {
            for (filter, flags) in [("lanczos", "lanczos"), ("bilinear", "bilinear")] {
                let parameters = format!("width={},height={},filter={filter}", output.0, output.1);
                let ours = filtered(&plugin, &parameters, format, size);
                let sited = "in_h_chr_pos=0:out_h_chr_pos=0:in_v_chr_pos=128:out_v_chr_pos=128";
                let theirs = super::beside_ffmpeg::theirs(
                    &format!(
                        "scale={}:{}:flags={flags}+accurate_rnd+full_chroma_int:{sited}",
                        output.0, output.1
                    ),
                    format,
                    size,
                    ffmpeg_name(format),
                );
                let found = psnr(&ours, &theirs);
                println!("{format} {size:?} {parameters}: {found:.1} dB");
                assert!(found > 45.0, "{format} {size:?} {parameters}: {found:.1} dB");
            }
        }
    }
}
