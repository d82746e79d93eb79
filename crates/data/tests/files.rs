//! Formats keep what is written, and damaged files are errors.

use std::fmt::Debug;
use std::fs;
use std::io::Write as _;

use proptest::prelude::*;
use wengert_data::{idx, npy};
use wengert_tensor::{DType, Error, Result, Tensor};

/// Tensors of all dtypes and of ranks 0 to 4, empty ones and transposed ones among them.
fn tensor() -> impl Strategy<Value = Tensor> {
    let shape = prop::collection::vec(0usize..5, 0..5);
    (shape, prop::sample::select(vec![DType::F32, DType::F64, DType::I64, DType::Bool, DType::F16]), any::<bool>())
        .prop_map(|(shape, dtype, turned)| {
            let n: usize = shape.iter().product();
            let x = Tensor::arange(0.0, n as f64, 1.0).unwrap().reshape(&shape[..]);
            let x = x.unwrap().cast(dtype).unwrap();
            if turned && x.rank() > 1 { x.transpose(0, -1).unwrap() } else { x }
        })
}

/// A file with some bytes changed, and its end cut off, or more of it.
fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let n = file.len();
    let flips = prop::collection::vec((0..n, any::<u8>()), 0..4);
    // The first bytes say what all others are.
    let header = prop::collection::vec((0..n.min(100), any::<u8>()), 0..3);
    (flips, header, 0..=n, any::<bool>()).prop_map(move |(flips, header, end, cut)| {
        let mut file = file.clone();
        flips.into_iter().chain(header).for_each(|(i, byte)| file[i] = byte);
        if cut {
            file.truncate(end);
        }
        file
    })
}

fn npy_file(x: &Tensor) -> Vec<u8> {
    let mut file = Vec::new();
    npy::write_to(&mut file, x, "x.npy").unwrap();
    file
}

fn idx_file() -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 3];
    file.extend(0..60);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Either it is read, or there is a sentence that names the file.
fn never_worse_than_an_error<T>(read: Result<T>) {
    if let Err(e) = read {
        assert!(e.to_string().contains("hostile"), "{e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn npy_keeps_every_tensor(x in tensor()) {
        let file = npy_file(&x);
        prop_assert_eq!((file.len() - x.numel() * x.dtype().size()) % 64, 0);
        prop_assert_eq!(npy::read_from(&file[..], "x.npy").unwrap(), x);
    }

    #[test]
    fn damaged_npy_files_are_errors(file in damaged(npy_file(&Tensor::arange(0.0, 12.0, 1.0).unwrap()))) {
        never_worse_than_an_error(npy::read_from(&file[..], "hostile"));
    }

    #[test]
    fn damaged_idx_files_are_errors(file in damaged(idx_file())) {
        never_worse_than_an_error(idx::read_from(&file[..], DType::F32, "hostile"));
    }

    #[test]
    fn damaged_gzip_files_are_errors(file in damaged(gzip(&idx_file()))) {
        never_worse_than_an_error(idx::read_from(&file[..], DType::I64, "hostile"));
    }

    #[test]
    fn any_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        never_worse_than_an_error(npy::read_from(&bytes[..], "hostile"));
        never_worse_than_an_error(npy::read_from(&[b"\x93NUMPY\x01\x00", &bytes[..]].concat()[..], "hostile"));
        never_worse_than_an_error(idx::read_from(&bytes[..], DType::F32, "hostile"));
        never_worse_than_an_error(idx::read_from(&[&[0, 0, 8][..], &bytes].concat()[..], DType::F32, "hostile"));
    }
}

fn sentence<T: Debug>(read: std::result::Result<T, Error>) -> String {
    read.unwrap_err().to_string()
}

/// A file of NumPy's with this header.
fn with_header(header: &str, elements: &[u8]) -> Vec<u8> {
    let len = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes(), elements].concat()
}

#[test]
fn numpys_other_arrays_are_read() {
    let read = |header: &str, elements: &[u8]| npy::read_from(&with_header(header, elements)[..], "a.npy");
    let columns = read("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", &[1, 4, 2, 5, 3, 6]);
    assert_eq!(columns.unwrap(), Tensor::from([[1, 2, 3], [4, 5, 6]]));
    let big = read("{\"shape\": (2,), 'descr': '>i2', 'fortran_order': False}  \n", &[1, 0, 255, 255]);
    assert_eq!(big.unwrap(), Tensor::from([256, -1]));
    let half = read("{'descr': '<f2', 'fortran_order': False, 'shape': (), }", &[0, 0x3e]);
    assert_eq!(half.unwrap(), Tensor::from(1.5f32).cast(DType::F16).unwrap());
    let large = read("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", &[255; 8]);
    assert_eq!(sentence(large), "a.npy: 18446744073709551615 is too large for i64");
}

#[test]
fn what_a_header_claims_is_not_believed() {
    let read = |shape: &str, elements: &[u8]| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        npy::read_from(&with_header(&header, elements)[..], "a.npy")
    };
    // Terabytes that are not there, and more than there can be.
    assert_eq!(
        sentence(read("(1000000, 1000000)", &[0; 16])),
        "a.npy: ends after 16 of 8000000000000 bytes of elements"
    );
    assert!(sentence(read("(4294967296, 4294967296)", &[])).contains("more elements than memory can address"));
    assert!(sentence(read("(99999999999999999999,)", &[])).contains("a size expected"));
    assert_eq!(sentence(read("(1,)", &[0; 9])), "a.npy: has more bytes than its header says");
    assert!(sentence(npy::read_from(&b"PK\x03\x04 and more"[..], "a.npz")).contains("is no NPY file"));
    let objects = with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", &[]);
    assert!(sentence(npy::read_from(&objects[..], "a.npy")).contains("elements of type `|O`"));

    let claims = [0, 0, 0x0e, 3, 255, 255, 255, 255, 0, 1, 0, 0, 0, 0, 1, 0, 7];
    assert!(sentence(idx::read_from(&claims[..], DType::F32, "a.idx")).starts_with("a.idx: ends after 1 of 57646"));
    assert_eq!(
        sentence(idx::read_from(&b"GIF89a"[..], DType::F32, "a.idx")),
        "a.idx: is no IDX file: it starts with the bytes 71 73 70 56"
    );
}

#[test]
fn idx_keeps_what_it_can_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.idx");
    let bytes = Tensor::arange(0, 60, 1).unwrap().reshape([5, 4, 3]).unwrap();
    idx::write(&path, &bytes).unwrap();
    assert_eq!(fs::read(&path).unwrap(), idx_file());
    assert_eq!(idx::read(&path, DType::I64).unwrap(), bytes);
    assert_eq!(idx::read(&path, DType::F32).unwrap(), bytes.cast(DType::F32).unwrap());
    fs::write(&path, gzip(&idx_file())).unwrap();
    assert_eq!(idx::read(&path, DType::I64).unwrap(), bytes);

    let floats = Tensor::from([[0.5, -1.0], [f64::MAX, 3.0]]);
    idx::write(&path, &floats.t()).unwrap();
    assert_eq!(idx::read(&path, DType::F64).unwrap(), floats.t());
    assert!(sentence(idx::write(&path, &Tensor::from([256]))).ends_with("idx: 256 is no byte"));
    assert!(sentence(idx::read(folder.path(), DType::F32)).ends_with("is a folder, not a file"));
    assert!(idx::read(folder.path().join("none"), DType::F32).is_err());
}

#[cfg(feature = "npz")]
mod npz {
    use wengert_data::npz;

    use super::*;

    fn arrays() -> [(&'static str, Tensor); 3] {
        let x = Tensor::arange(0.0, 6.0, 1.0).unwrap().reshape([2, 3]).unwrap();
        [("layer.weight", x), ("empty", Tensor::zeros([0, 2], DType::F32).unwrap()), ("n", Tensor::from(7i64))]
    }

    fn file() -> Vec<u8> {
        let path = tempfile::NamedTempFile::new().unwrap();
        npz::write(path.path(), arrays()).unwrap();
        fs::read(path.path()).unwrap()
    }

    #[test]
    fn npz_keeps_arrays_and_their_order() {
        let read = npz::read_from(std::io::Cursor::new(file()), "a.npz").unwrap();
        assert!(
            read.into_iter()
                .map(|(name, x)| (name.as_str().to_owned(), x))
                .eq(arrays().map(|(n, x)| (n.to_string(), x)))
        );
        let twice = npz::write(
            tempfile::NamedTempFile::new().unwrap().path(),
            [("a", Tensor::from(1i64)), ("a", Tensor::from(2i64))],
        );
        assert!(twice.is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damaged_npz_files_are_errors(file in damaged(file())) {
            never_worse_than_an_error(npz::read_from(std::io::Cursor::new(file), "hostile"));
        }
    }
}

#[cfg(feature = "image")]
mod images {
    use wengert_data::{Dataset, ImageFolder, Loader};

    use super::*;

    fn picture(format: image::ImageFormat, width: u32, height: u32, red: u8) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        let pixels = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([red, x as u8, y as u8]));
        pixels.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    #[test]
    fn a_folder_is_a_class() {
        let folder = tempfile::tempdir().unwrap();
        for (class, red) in [("cats", 255), ("ants", 51)] {
            fs::create_dir(folder.path().join(class)).unwrap();
            for name in ["b.png", "a.PNG"] {
                fs::write(folder.path().join(class).join(name), picture(image::ImageFormat::Png, 4, 3, red)).unwrap();
            }
        }
        fs::write(folder.path().join("cats/notes.txt"), "no picture").unwrap();
        let pictures = ImageFolder::open(folder.path()).unwrap();
        assert_eq!((pictures.len(), pictures.classes()), (4, &["ants".to_string(), "cats".to_string()][..]));
        assert!(pictures.file(0).unwrap().ends_with("ants/a.PNG"));

        let (x, class) = pictures.get(3).unwrap();
        assert_eq!((&x.shape()[..], class), (&[3, 3, 4][..], 1));
        assert_eq!(x.get::<f32>(&[0, 2, 3]).unwrap(), 1.0);
        assert_eq!(x.get::<f32>(&[1, 0, 3]).unwrap(), 3.0 / 255.0);
        assert_eq!(x.get::<f32>(&[2, 2, 0]).unwrap(), 2.0 / 255.0);

        let gray = pictures.clone().gray().resize(2, 2);
        let loader = Loader::new(gray, 4).unwrap().workers(2);
        let (x, y) = loader.iter().next().unwrap().unwrap();
        assert_eq!((&x.shape()[..], y), (&[4, 1, 2, 2][..], Tensor::from([0, 0, 1, 1])));

        let small = pictures.max_pixels(11);
        assert!(sentence(small.get(0)).ends_with("ants/a.PNG: claims 4 x 3 pixels, more than the 11 allowed"));
        assert!(sentence(ImageFolder::open(folder.path().join("cats"))).ends_with("which would be the classes"));
    }

    #[test]
    fn pictures_that_a_file_cannot_hold_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("class")).unwrap();
        let mut file = picture(image::ImageFormat::Png, 4, 3, 9);
        // The width and the height, 8000 each, and the checksum that is right for them.
        file[16..24].copy_from_slice(&[0, 0, 0x1f, 0x40, 0, 0, 0x1f, 0x40]);
        let mut crc = flate2::Crc::new();
        crc.update(&file[12..29]);
        file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        fs::write(folder.path().join("class/a.png"), &file).unwrap();
        let error = sentence(ImageFolder::open(folder.path()).unwrap().get(0));
        assert!(error.contains("claims 8000 x 8000 pixels, which"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn damaged_pictures_are_errors(
            png in damaged(picture(image::ImageFormat::Png, 9, 7, 1)),
            jpeg in damaged(picture(image::ImageFormat::Jpeg, 9, 7, 1)),
        ) {
            let folder = tempfile::Builder::new().prefix("hostile").tempdir().unwrap();
            fs::create_dir(folder.path().join("class")).unwrap();
            fs::write(folder.path().join("class/a.png"), png).unwrap();
            fs::write(folder.path().join("class/b.jpg"), jpeg).unwrap();
            let pictures = ImageFolder::open(folder.path()).unwrap();
            never_worse_than_an_error(pictures.get(0));
            never_worse_than_an_error(pictures.get(1));
        }
    }
}
