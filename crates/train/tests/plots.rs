//! Pictures: both formats, the pixels where they are known, no input that panics, and nothing written where there is a mistake.
#![cfg(feature = "plot")]

use std::fs;
use std::path::{Path, PathBuf};

use wengert_tensor::{DType, Error, ErrorKind, Result, Rng, Tensor};
use wengert_train::{ConfusionMatrix, Curves, Metric, Shades, decision_surface, image_grid};

/// The pixels of a PNG, and its size.
fn pixels(path: &Path) -> (Vec<[u8; 3]>, [usize; 2]) {
    let mut png = png::Decoder::new(std::io::Cursor::new(fs::read(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; png.output_buffer_size().unwrap()];
    let info = png.next_frame(&mut bytes).unwrap();
    (bytes.as_chunks().0.to_vec(), [info.width as usize, info.height as usize])
}

fn curves() -> Curves {
    let line = |scale: f64| (1..=50).map(move |i| (f64::from(i), scale / f64::from(i)));
    Curves::new("Loss").curve("training", line(1.0)).curve("validation", line(1.3)).labels("step", "error")
}

fn matrix() -> ConfusionMatrix {
    let mut matrix = ConfusionMatrix::new(3).unwrap().named(["cat", "dog", "horse"]).unwrap();
    matrix.update(&Tensor::from([0, 0, 2, 2, 0, 2]), &Tensor::from([2, 0, 2, 2, 0, 1])).unwrap();
    matrix
}

/// Class 1 right of 0, class 0 left of it.
fn right_of_zero(x: &Tensor) -> Result<Tensor> {
    x.select_axis(1, 0)?.mul(&Tensor::from(50.0))?.sigmoid()
}

fn surface(path: &Path) -> Result<()> {
    decision_surface(path, &Tensor::from([[-1.0, -1.0], [1.0, 1.0]]), &Tensor::from([0, 1]), right_of_zero)
}

type Draw = fn(&Path) -> Result<()>;

const ALL: [(&str, Draw); 5] = [
    ("curves", |path| curves().save(path)),
    ("log", |path| curves().log_scale().save(path)),
    ("confusion", |path| matrix().save(path)),
    ("surface", surface),
    ("weights", |path| {
        let weights = Tensor::randn([10, 3, 5, 4], DType::F32, &mut Rng::seed(1))?;
        image_grid(path, &weights, 6, Shades::Signed)
    }),
];

/// The pictures of both formats, in `WENGERT_PLOTS` if that is set, to look at.
#[test]
fn both_formats_are_drawn_and_nothing_else() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = std::env::var_os("WENGERT_PLOTS").map_or(temporary.path().to_path_buf(), PathBuf::from);
    for (name, draw) in ALL {
        let path = |extension: &str| dir.join(name).with_extension(extension);
        draw(&path("png")).unwrap();
        let (bytes, [width, height]) = pixels(&path("png"));
        assert_eq!(bytes.len(), width * height);
        assert!(bytes.iter().any(|p| *p != bytes[0]), "{name} is not blank");
        draw(&path("SVG")).unwrap();
        let text = fs::read_to_string(path("SVG")).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        assert!(text.contains(&format!("width=\"{width}\" height=\"{height}\"")));
        let first = fs::read(path("png")).unwrap();
        draw(&path("png")).unwrap();
        assert_eq!(fs::read(path("png")).unwrap(), first, "{name} is drawn the same");

        for other in ["gif", "jpeg", ""] {
            let error = draw(&path(other)).unwrap_err();
            assert!(error.kind() == ErrorKind::Value && error.sentence().contains("extension"), "{error}");
            assert!(!path(other).exists());
        }
        assert_eq!(draw(Path::new("/proc/version/x.png")).unwrap_err().kind(), ErrorKind::File);
    }
}

#[test]
fn text_is_there_without_any_font_of_the_system() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("curves");
    let draw = |title: &str| {
        Curves::new(title).curve("a", [(0.0, 0.0), (1.0, 1.0)]).save(path.with_extension("png")).unwrap();
        let (pixels, [width, _]) = pixels(&path.with_extension("png"));
        // The title's rows: how much ink, and between which columns.
        let dark: Vec<_> = (0..40 * width).filter(|i| pixels[*i][0] < 128).map(|i| i % width).collect();
        (dark.len(), dark.iter().max().unwrap_or(&0) - dark.iter().min().unwrap_or(&0))
    };
    assert_eq!(draw(" ").0, 0);
    let (one, two) = (draw("III"), draw("IIIIII"));
    // Letters lie between pixels, so ink is about twice as much.
    assert!(one.0 > 50 && 2 * two.0 > 3 * one.0 && 2 * two.0 < 5 * one.0, "{one:?} {two:?}");
    assert!(two.1 > one.1 && two.1 < 3 * one.1, "{one:?} {two:?}");
    matrix().save(path.with_extension("svg")).unwrap();
    let svg = fs::read_to_string(path.with_extension("svg")).unwrap();
    assert!(["cat", "dog", "horse", "predicted", "true"].iter().all(|name| svg.contains(name)));
}

#[test]
fn curves_of_any_numbers_are_drawn_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("curves.png");
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let drawn: [&[(f64, f64)]; 7] = [
        &[(1.0, 2.0)],
        &[(1.0, 2.0), (2.0, nan), (3.0, 1.0), (4.0, inf), (5.0, 1.0), (6.0, 2.0)],
        &[(0.0, 1.0); 5],
        &[(0.0, 9e29), (1.0, -9e29), (2.0, 3.0)],
        &[(1e15, 2e-30), (1e15 + 1.0, 1e-20)],
        &[(0.0, 1.0), (1.0, 1.0 + 1e-15)],
        &[(5.0, 1e-9), (-5.0, 1e9)],
    ];
    for points in drawn {
        Curves::new("").curve("a", points.iter().copied()).save(&path).unwrap();
        Curves::new("").curve("a", points.iter().copied()).log_scale().save(&path).unwrap();
    }
    for points in [&[][..], &[(nan, 1.0)], &[(1.0, inf)], &[(1e300, 1.0)]] {
        let error = Curves::new("").curve("a", points.iter().copied()).save(&path).unwrap_err();
        assert!(error.sentence().ends_with("there is no point to show"), "{error}");
    }
    assert!(Curves::new("").curve("a", [(0.0, 0.0), (1.0, -1.0)]).log_scale().save(&path).is_err());
}

#[test]
fn a_grid_has_the_colours_of_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grid.png");
    let images = Tensor::from([[[0.0, 1.0], [0.2, f64::NAN]], [[-3.0, 9.0], [1.0, 0.0]]]);
    image_grid(&path, &images, 2, Shades::Image).unwrap();
    let (pixels, [width, height]) = pixels(&path);
    assert_eq!([width, height], [7 * 16, 4 * 16]);
    let field = |x: usize, y: usize| {
        let corners = [(0, 0), (15, 0), (0, 15), (15, 15)].map(|(i, j)| pixels[(16 * y + j) * width + 16 * x + i]);
        assert!(corners.iter().all(|p| *p == corners[0]), "{corners:?}");
        corners[0]
    };
    assert_eq!([(1, 1), (2, 1), (1, 2), (2, 2)].map(|(x, y)| field(x, y)[0]), [0, 255, 51, 0]);
    assert_eq!([(4, 1), (5, 1), (4, 2), (5, 2)].map(|(x, y)| field(x, y)[0]), [0, 255, 255, 0]);
    assert_eq!(field(3, 1), [225; 3]);

    image_grid(&path, &images, 2, Shades::Signed).unwrap();
    let colour = Tensor::from([[[[1.0]], [[0.2]], [[0.0]]]]);
    image_grid(&path, &colour, 9, Shades::Image).unwrap();
    assert_eq!(self::pixels(&path).0[16 * 48 + 16], [255, 51, 0]);
    for (shape, columns) in [(&[2, 2][..], 1), (&[1, 2, 3, 3], 1), (&[0, 3, 3], 1), (&[2, 0, 3], 1), (&[1, 1, 9, 9], 0)]
    {
        assert!(image_grid(&path, &Tensor::zeros(shape, DType::F32).unwrap(), columns, Shades::Image).is_err());
    }
    let huge = Tensor::from(1.0).broadcast_to([5000, 5000, 5000]).unwrap();
    assert!(image_grid(&path, &huge, usize::MAX, Shades::Image).is_err());
    assert!(image_grid(&path, &Tensor::from([[[1]]]), 1, Shades::Image).is_err());
}

#[test]
fn a_surface_shows_the_side_of_each_point() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("surface.png");
    surface(&path).unwrap();
    let (pixels, [width, height]) = pixels(&path);
    let at = |x: f64| pixels[height / 2 * width + (width as f64 * x) as usize];
    let (left, right) = (at(0.3), at(0.7));
    assert!(left[2] > left[0] && right[0] > right[2], "blue for class 0 and orange for 1: {left:?} {right:?}");

    let (points, classes) = (Tensor::from([[-1.0, -1.0], [1.0, 1.0]]), Tensor::from([0, 1]));
    let scores = |x: &Tensor| {
        let p = right_of_zero(x)?;
        Tensor::stack(&[&p.neg()?, &p], 1)
    };
    decision_surface(&path, &points, &classes, scores).unwrap();
    decision_surface(&path, &Tensor::from([[0.0, 0.0]]), &Tensor::from([-7]), right_of_zero).unwrap();
    let refused = |points: &Tensor, classes: &Tensor| decision_surface(&path, points, classes, right_of_zero).is_err();
    assert!(refused(&points, &Tensor::from([0])));
    assert!(refused(&points.t(), &Tensor::from([[0, 1]])));
    assert!(refused(&Tensor::from([[1, 2]]), &Tensor::from([0])));
    assert!(refused(&Tensor::from([[f64::NAN, 0.0]]), &Tensor::from([0])));
    assert!(refused(&Tensor::zeros([0, 2], DType::F32).unwrap(), &Tensor::zeros([0], DType::I64).unwrap()));
    let error = decision_surface(&path, &points, &classes, |x| x.narrow(0, 0, 5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    let given = Error::value("predict: no");
    assert_eq!(decision_surface(&path, &points, &classes, |_| Err(given.clone())).unwrap_err(), given);
}

#[test]
fn matrices_too_large_to_look_at_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (classes, drawn) in [(1, true), (64, true), (65, false)] {
        let path = dir.path().join(format!("{classes}.svg"));
        assert_eq!(ConfusionMatrix::new(classes).unwrap().save(&path).is_ok(), drawn);
    }
}
