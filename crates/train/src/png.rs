//! Pictures: tensors as bytes of colour, and PNG.

use wengert_tensor::{DType, Error, Result, Tensor};

/// A picture of bytes, rows from the top, channels last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    /// 1 for grey, 3 for red, green, blue.
    pub channels: u8,
    pub bytes: Vec<u8>,
}

impl Pixels {
    /// The picture of a tensor `[height, width]`, or `[channels, height, width]` with 1 or 3 channels, of floats
    /// from 0, black, to 1. Numbers outside are cut off; NaN is black.
    pub fn of(op: &str, image: &Tensor) -> Result<Self> {
        let shape = image.shape();
        let (channels, height, width) = match shape[..] {
            [height, width] => (1, height, width),
            [channels @ (1 | 3), height, width] => (channels, height, width),
            _ => {
                let wants = "[height, width] or [channels, height, width] with 1 or 3 channels";
                return Err(Error::shape(format!("{op}: a picture has shape {wants}, not {shape}")));
            }
        };
        if !image.dtype().is_float() {
            return Err(Error::dtype(format!("{op}: a picture has floats from 0 to 1, not {}", image.dtype())));
        }
        let side = |n: usize| match u32::try_from(n) {
            Ok(n @ 1..=16_384) => Ok(n),
            _ => Err(Error::shape(format!("{op}: a picture has sides of 1 to 16384, not {shape}"))),
        };
        let (width, height) = (side(width)?, side(height)?);
        let image = if image.rank() == 2 { image.unsqueeze(0)? } else { image.clone() };
        let bytes = image.permute([1, 2, 0])?.cast(DType::F64)?.to_vec::<f64>()?;
        // `as` cuts off what is outside of a byte and makes 0 of NaN.
        let bytes = bytes.into_iter().map(|x| (x * 255.0).round() as u8).collect();
        Ok(Self { width, height, channels: channels as u8, bytes })
    }

    /// The picture as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        let encode = || {
            let mut file = Vec::new();
            let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
            encoder.set_color(if self.channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
            encoder.write_header()?.write_image_data(&self.bytes)?;
            Ok(file)
        };
        encode().map_err(|e: png::EncodingError| Error::file(format!("png: {e}")))
    }
}
