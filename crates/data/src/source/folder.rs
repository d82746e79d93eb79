//! Pictures in folders: a sub-folder a class.

use std::fs;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader};
use wengert_tensor::{Result, Tensor};

use super::open::{failed, guarded};
use crate::dataset::{Dataset, outside};
use crate::fill::filled;

/// No picture has more pixels unless [`ImageFolder::max_pixels`] says so.
const MAX_PIXELS: u64 = 1 << 26;

/// What a byte of a compressed picture can stand for at most: the limit of deflate, which that of JPEG does not exceed.
const EXPANSION: u64 = 1032;

/// The PNG and JPEG files of a folder's sub-folders, with the sub-folders as classes: pairs of a picture, `f32` from 0 to 1 and of
/// shape [channels, height, width], and the number of its class.
///
/// Pictures are read when they are asked for, by the threads that make the batches. Sub-folders and files come in the order of their
/// names; files of other kinds are passed over.
///
/// ```no_run
/// use wengert_data::{ImageFolder, Loader};
/// let pictures = ImageFolder::open("flowers/train")?.resize(64, 64);
/// println!("{:?}", pictures.classes());
/// let loader = Loader::new(pictures, 32)?.shuffle(1).workers(4);
/// # let _ = loader;
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageFolder {
    files: Vec<(PathBuf, usize)>,
    classes: Vec<String>,
    gray: bool,
    size: Option<(u32, u32)>,
    max_pixels: u64,
}

impl ImageFolder {
    /// The pictures below `path`, in three colours.
    ///
    /// # Errors
    /// A folder that cannot be read, or without sub-folders.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (mut files, mut classes) = (Vec::new(), Vec::new());
        for folder in entries(path)?.into_iter().filter(|p| p.is_dir()) {
            let pictures = entries(&folder)?.into_iter().filter(|p| p.is_file() && is_picture(p));
            files.extend(pictures.map(|p| (p, classes.len())));
            classes.push(folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        if classes.is_empty() {
            return Err(failed(path.display(), "has no sub-folders, which would be the classes"));
        }
        Ok(Self { files, classes, gray: false, size: None, max_pixels: MAX_PIXELS })
    }

    /// In shades of grey: one channel.
    pub fn gray(mut self) -> Self {
        self.gray = true;
        self
    }

    /// Stretched or shrunk to this size. Without it they keep their own, and only those of one size make a batch.
    pub fn resize(mut self, height: u32, width: u32) -> Self {
        self.size = Some((height, width));
        self
    }

    /// Pictures of more pixels than this, at first 2^26, are errors.
    pub fn max_pixels(mut self, n: u64) -> Self {
        self.max_pixels = n;
        self
    }

    /// The names of the classes, in the order of their numbers.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The file of a sample, if there is such a sample.
    pub fn file(&self, index: usize) -> Option<&Path> {
        self.files.get(index).map(|(path, _)| path.as_path())
    }

    fn picture(&self, path: &Path, name: &str) -> Result<Tensor> {
        let wrong = |e: image::ImageError| failed(name, e);
        let read = |e: std::io::Error| failed(name, e);
        let bytes = fs::metadata(path).map_err(read)?.len();
        let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(read)?;
        let decoder = reader.into_decoder().map_err(wrong)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            let most = self.max_pixels;
            return Err(failed(name, format!("claims {width} x {height} pixels, more than the {most} allowed")));
        }
        if decoder.total_bytes() > bytes.saturating_mul(EXPANSION).saturating_add(1 << 16) {
            return Err(failed(name, format!("claims {width} x {height} pixels, which {bytes} bytes cannot hold")));
        }
        let mut picture = DynamicImage::from_decoder(decoder).map_err(wrong)?;
        if let Some((height, width)) = self.size {
            picture = picture.resize_exact(width, height, FilterType::Triangle);
        }
        if self.gray { planes::<1>(picture.into_luma8()) } else { planes::<3>(picture.into_rgb8()) }
    }
}

/// A picture's channels one after another, from 0 to 1.
fn planes<const C: usize>(picture: image::ImageBuffer<impl image::Pixel<Subpixel = u8>, Vec<u8>>) -> Result<Tensor> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let bytes = picture.into_raw();
    let channels = (0..C).flat_map(|c| bytes.iter().skip(c).step_by(C));
    filled([C, height, width].into(), channels.map(|&byte| Ok(f32::from(byte) / 255.0)))
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let wrong = |e| failed(folder.display(), e);
    let entries = fs::read_dir(folder).map_err(wrong)?.map(|entry| Ok(entry.map_err(wrong)?.path()));
    let mut entries = entries.collect::<Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

impl Dataset for ImageFolder {
    type Sample = (Tensor, usize);

    fn len(&self) -> usize {
        self.files.len()
    }

    fn get(&self, index: usize) -> Result<(Tensor, usize)> {
        let (path, class) = self.files.get(index).ok_or_else(|| outside("image folder", index, self.files.len()))?;
        let name = path.display().to_string();
        Ok((guarded(&name, || self.picture(path, &name))?, *class))
    }
}
