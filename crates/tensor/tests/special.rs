//! Special functions against values computed with 60 digits.

use wengert_tensor::{Result, Tensor};

/// Fails unless `y` agrees with `want` to a relative `tolerance`.
#[track_caller]
fn agree(name: &str, x: f64, y: f64, want: f64, tolerance: f64) {
    let error = (y - want).abs() / want.abs();
    assert!(y == want || error <= tolerance, "{name}({x:?}) = {y:?}, not {want:?}: relative error {error:e}");
}

fn table(name: &str, f: impl Fn(&Tensor) -> Result<Tensor>, rows: &[(f64, f64)], tolerance: f64) {
    for &(x, want) in rows {
        let y = f(&Tensor::from(x)).and_then(|y| y.item()).unwrap();
        agree(name, x, y, want, tolerance);
        // The f32 function is the f64 one, but for the last digits of an f32.
        let x = x as f32;
        let double = f(&Tensor::from(x as f64)).and_then(|y| y.item()).unwrap();
        let single = f(&Tensor::from(x)).and_then(|y| y.item()).unwrap();
        assert!(single.is_finite() || single == double, "{name}({x:?})");
        agree(name, x as f64, single as f32 as f64, double as f32 as f64, 4.0 * f32::EPSILON as f64);
    }
}

#[test]
fn error_functions() {
    table("erf", Tensor::erf, ERF, 1e-15);
    table("erfc", Tensor::erfc, ERFC, 1e-14);
    table("erfinv", Tensor::erfinv, ERFINV, 1e-14);
}

#[test]
fn gamma_functions() {
    table("lgamma", Tensor::lgamma, LGAMMA, 1e-14);
    table("digamma", Tensor::digamma, DIGAMMA, 1e-14);
    for &(n, x, want) in POLYGAMMA {
        let y = Tensor::from(x).polygamma(n).and_then(|y| y.item()).unwrap();
        agree(&format!("polygamma {n}, "), x, y, want, 2e-14);
    }
}

#[test]
fn inverse_hyperbolic_functions() {
    table("asinh", Tensor::asinh, ASINH, 1e-15);
    table("acosh", Tensor::acosh, ACOSH, 1e-15);
    table("atanh", Tensor::atanh, ATANH, 1e-15);
}

#[test]
fn erfinv_inverts_erf() {
    for i in -200..=200 {
        let x = i as f64 / 100.0;
        let y = Tensor::from(x).erf().and_then(|y| y.erfinv()).and_then(|y| y.item()).unwrap();
        // Near ±1 erf forgets digits of x: its slope is 2/√π e^-x².
        assert!((y - x).abs() <= 4e-16 * (x * x).exp() + 1e-15 * x.abs(), "{x} {y}");
    }
}

#[test]
fn polygamma_obeys_its_recurrence() {
    // ψ⁽ⁿ⁾(x + 1) = ψ⁽ⁿ⁾(x) + (-1)ⁿ n! / xⁿ⁺¹, on both sides of 0.
    for n in 0..8 {
        for x in [-7.3, -2.5, -0.9, -0.1, 0.2, 1.7, 11.5, 40.0f64] {
            let at = |x: f64| Tensor::from(x).polygamma(n).and_then(|y| y.item()).unwrap();
            let factorial: f64 = (1..=n).map(f64::from).product();
            let step = (-1.0f64).powi(n as i32) * factorial / x.powi(n as i32 + 1);
            // Between two poles of odd order values cancel; their error is that of the nearer pole.
            let pole = factorial / (x - x.round()).abs().powi(n as i32 + 1);
            let scale = at(x).abs().max(step.abs()).max(if x < 0.0 { pole } else { 0.0 });
            assert!((at(x + 1.0) - at(x) - step).abs() <= 1e-13 * scale, "n = {n}, x = {x}");
        }
    }
}

#[test]
fn poles_and_the_ends_of_domains() {
    let inf = f64::INFINITY;
    type Function = fn(&Tensor) -> Result<Tensor>;
    let cases: [(&str, Function, f64, f64); 18] = [
        ("erfinv", Tensor::erfinv, 1.0, inf),
        ("erfinv", Tensor::erfinv, -1.0, -inf),
        ("erfinv", Tensor::erfinv, 1.5, f64::NAN),
        ("erfinv", Tensor::erfinv, -0.0, -0.0),
        ("digamma", Tensor::digamma, 0.0, -inf),
        ("digamma", Tensor::digamma, -0.0, inf),
        ("digamma", Tensor::digamma, -3.0, f64::NAN),
        ("digamma", Tensor::digamma, inf, inf),
        ("digamma", Tensor::digamma, -inf, f64::NAN),
        ("trigamma", |x| x.polygamma(1), 0.0, inf),
        ("trigamma", |x| x.polygamma(1), -2.0, inf),
        ("trigamma", |x| x.polygamma(1), inf, 0.0),
        ("tetragamma", |x| x.polygamma(2), 0.0, -inf),
        ("lgamma", Tensor::lgamma, -1.0, inf),
        ("lgamma", Tensor::lgamma, inf, inf),
        ("sigmoid", Tensor::sigmoid, -1e4, 0.0),
        ("softplus", Tensor::softplus, 1e4, 1e4),
        ("softplus", Tensor::softplus, -inf, 0.0),
    ];
    for (name, f, x, want) in cases {
        let y = f(&Tensor::from(x)).and_then(|y| y.item()).unwrap();
        assert_eq!(y.to_bits() << 1 >> 1, want.to_bits() << 1 >> 1, "{name}({x:?}) = {y:?}, not {want:?}");
        assert!(want.is_nan() || y.is_sign_negative() == want.is_sign_negative(), "{name}({x:?}) = {y:?}");
        assert!(f(&Tensor::from(f64::NAN)).and_then(|y| y.item()).unwrap().is_nan(), "{name} of NaN");
    }
}

const ERFINV: &[(f64, f64)] = &[
    (1e-300, 8.86226925452758e-301),
    (1e-09, 8.86226925452758e-10),
    (0.0005, 0.0004431134917280913),
    (0.002, 0.0017724557070189302),
    (0.1, 0.08885599049425769),
    (0.3, 0.2724627147267543),
    (0.4999, 0.4768250236254278),
    (0.5, 0.4769362762044699),
    (0.75, 0.8134198475976185),
    (0.9, 1.1630871536766743),
    (0.99, 1.8213863677184494),
    (0.999999, 3.458910737275499),
    (0.999999999999, 5.042031898572696),
    (0.9999999999999999, 5.8635847487551676),
    (-0.6, -0.5951160814499948),
];

const ERF: &[(f64, f64)] = &[
    (1e-10, 1.1283791670955126e-10),
    (0.3, 0.3286267594591274),
    (0.9, 0.7969082124228322),
    (2.1, 0.997020533343667),
    (-1.3, -0.9340079449406524),
];

const ERFC: &[(f64, f64)] = &[
    (-2.0, 1.9953222650189528),
    (0.2, 0.7772974107895215),
    (1.5, 0.033894853524689274),
    (4.0, 1.541725790028002e-08),
    (10.0, 2.088487583762545e-45),
    (26.0, 5.663192408856143e-296),
];

const LGAMMA: &[(f64, f64)] = &[
    (1e-08, 18.42068073818021),
    (0.3, 1.0957979948180756),
    (1.0001, -5.771334222047127e-05),
    (2.5, 0.2846828704729192),
    (17.25, 31.374622313677687),
    (1000000.0, 12815504.569147611),
    (-0.5, 1.2655121234846454),
    (-2.25, 0.5555015450206475),
    (-7.75, -8.581847763551867),
];

const DIGAMMA: &[(f64, f64)] = &[
    (1e-06, -1000000.5772140201),
    (0.1, -10.423754940411076),
    (0.5, -1.9635100260214235),
    (1.0, -0.5772156649015329),
    (1.06, -0.4826259358148256),
    (1.3, -0.16919088886679962),
    (1.4616, -3.110625123034165e-05),
    (1.461632144968362, -3.072790566546293e-16),
    (1.46163214497, 1.584762164345378e-12),
    (1.5, 0.03648997397857652),
    (1.86, 0.3282921690838207),
    (2.0, 0.42278433509846713),
    (3.7, 1.1671535393615113),
    (9.99, 2.250700372831201),
    (25.0, 3.198742512851974),
    (100000.0, 11.512920464961896),
    (1e+300, 690.7755278982137),
    (-0.3, 2.113309779635399),
    (-0.5, 0.03648997397857652),
    (-1e-05, 99999.42276788563),
    (-3.75, -1.6923885983113303),
    (-20.1, 12.694217212892514),
    (-1000.5, 6.908754820898672),
];

const POLYGAMMA: &[(u32, f64, f64)] = &[
    (1, 0.001, 1000001.6425331958),
    (1, 0.5, 4.934802200544679),
    (1, 1.0, 1.6449340668482264),
    (1, 3.3, 0.3535015418410618),
    (1, 50.0, 0.020201333226697125),
    (1, 100000000.0, 1.000000005e-08),
    (1, -0.5, 8.934802200544679),
    (1, -3.3, 14.817739525515929),
    (1, -100.25, 19.729283325349364),
    (2, 0.25, -129.32773993753693),
    (2, 1.0, -2.4041138063191885),
    (2, 7.5, -0.020305252536644666),
    (2, -0.3, 67.63908119988317),
    (2, -4.8, -247.0832097619788),
    (3, 0.9, 9.739014093776728),
    (3, 2.5, 0.22390584881725206),
    (3, -1.6, 283.40708267399356),
    (4, 1.5, -3.4742498266672253),
    (5, 12.0, 0.00011820829051081491),
    (5, -2.2, 1875502.8421437696),
    (9, 0.7, 12848253.73081071),
    (15, 30.0, 7.72876221994624e-12),
    (30, 2.0, -1.2351841765847807e+23),
    (60, 100.0, -1.844906227583489e-40),
    (200, 90.0, -1.393739031798544e-18),
];

const ASINH: &[(f64, f64)] = &[
    (1e-09, 1e-09),
    (-0.0001, -9.999999983333334e-05),
    (0.4, 0.3900353197707153),
    (3.0, 1.8184464592320668),
    (-10000000000.0, -23.7189981105004),
    (1e+300, 691.4686750787737),
];

const ACOSH: &[(f64, f64)] = &[
    (1.0, 0.0),
    (1.0000001, 0.0004472135919037347),
    (1.2, 0.6223625037147786),
    (2.0, 1.3169578969248168),
    (1e+200, 461.2101657793691),
];

const ATANH: &[(f64, f64)] =
    &[(1e-09, 1e-09), (-0.3, -0.3095196042031117), (0.5, 0.5493061443340549), (0.99999999, 9.556913957243776)];
