//! Pictures of numbers from 0, black, to 1, white, as PNG files.

use std::path::Path;

use wengert::prelude::*;

/// Pictures `[n, .., side, side]` as one, in rows of `columns`, each pixel a square of `zoom` pixels.
///
/// # Errors
/// A number of pictures that is no multiple of `columns`.
pub fn mosaic(pictures: &Tensor, columns: usize, zoom: usize) -> Result<Tensor> {
    let (height, width) = (pictures.shape()[pictures.rank() - 2], pictures.shape()[pictures.rank() - 1]);
    let tiles = pictures.reshape([-1, columns as isize, height as isize, width as isize])?;
    // A dark line between neighbours.
    let tiles = tiles.pad(&[(0, 0), (0, 0), (0, 1), (0, 1)], 0.0)?;
    let rows = tiles.shape()[0];
    let sheet = tiles.permute([0, 2, 1, 3])?.reshape([rows * (height + 1), columns * (width + 1)])?;
    let [high, wide] = [sheet.shape()[0], sheet.shape()[1]];
    sheet.reshape([high, 1, wide, 1])?.broadcast_to([high, zoom, wide, zoom])?.reshape([high * zoom, wide * zoom])
}

/// Writes a picture `[height, width]`.
///
/// # Errors
/// What the file system refuses.
pub fn save_png(path: &Path, picture: &Tensor) -> Result<()> {
    let bytes: Vec<u8> = picture.cast(DType::F64)?.iter::<f64>()?.map(|x| (x * 255.0).round() as u8).collect();
    let write = || {
        let file = std::io::BufWriter::new(std::fs::File::create(path)?);
        let mut encoder = png::Encoder::new(file, picture.shape()[1] as u32, picture.shape()[0] as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header()?.write_image_data(&bytes)?;
        Ok(())
    };
    write().map_err(|error: png::EncodingError| Error::file(format!("write {}: {error}", path.display())))
}
