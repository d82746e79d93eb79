//! Schedules against PyTorch 2.15's, number by number, and their algebra.

use std::f64::consts::PI;

use wengert_nn::{OneCycle, Param, Plateau, Schedule, Sgd, Train};
use wengert_tensor::{ErrorKind, Result, Tensor};

fn assert_close(name: &str, ours: &[f64], expected: &[f64]) {
    assert_eq!(ours.len(), expected.len(), "{name}");
    let close = ours.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-14);
    assert!(close, "{name}: {ours:?}, not {expected:?}");
}

#[test]
fn every_schedule_is_pytorchs() {
    #[rustfmt::skip]
    let traces: [(&str, Schedule, &[f64]); 15] = [
        ("constant", 0.5 * Schedule::constant(1.0), &[0.5, 0.5, 0.5, 0.5]),
        ("step", 0.5 * Schedule::step(3, 0.3), &[0.5, 0.5, 0.5, 0.15, 0.15, 0.15, 0.045, 0.045, 0.045, 0.0135]),
        ("multi-step", 0.5 * Schedule::multi_step(&[2, 5, 5], 0.5), &[0.5, 0.5, 0.25, 0.25, 0.25, 0.0625, 0.0625, 0.0625]),
        ("exponential", 0.5 * Schedule::exponential(0.9), &[0.5, 0.45, 0.405, 0.36450000000000005, 0.32805000000000006, 0.2952450000000001]),
        ("linear", 0.5 * Schedule::linear(0.25, 1.0, 5), &[0.125, 0.2, 0.275, 0.35000000000000003, 0.425, 0.5, 0.5, 0.5]),
        ("cosine", Schedule::cosine(0.5, 0.1, 6), &[0.5, 0.47320508075688783, 0.40000000000000013, 0.3000000000000001, 0.2000000000000001, 0.1267949192431123, 0.1]),
        ("restarts", Schedule::cosine_restarts(0.5, 0.05, 3, 1), &[0.5, 0.3875, 0.16250000000000006, 0.5, 0.3875, 0.16250000000000006, 0.5, 0.3875]),
        ("longer restarts", Schedule::cosine_restarts(0.5, 0.0, 2, 2), &[0.5, 0.25, 0.5, 0.42677669529663687, 0.25, 0.07322330470336313, 0.5, 0.4809698831278217, 0.42677669529663687, 0.34567085809127246, 0.25, 0.15432914190872757, 0.07322330470336313, 0.019030116872178315, 0.5]),
        ("polynomial", Schedule::polynomial(0.5, 0.0, 2.0, 5), &[0.5, 0.32000000000000006, 0.18, 0.08000000000000002, 0.019999999999999993, 0.0, 0.0]),
        ("one cycle", Schedule::one_cycle(0.5, 10), &[0.020000000000000018, 0.26, 0.5, 0.47524231600673683, 0.40587282697488153, 0.30563101096814466, 0.19437098903185537, 0.09412917302511849, 0.024759683993263143, 2e-06]),
        ("one cycle, corners between steps", OneCycle::new(0.5, 13).rise(0.25).start(0.1).end(1e-4).into(), &[0.04999999999999999, 0.23592916002494063, 0.4864308396768294, 0.49273618081107734, 0.4613013916338101, 0.4081205327644544, 0.3386673566384578, 0.2600904783788511, 0.18047758945748474, 0.10802301493587935, 0.05018429521820985, 0.012914602924262308, 5e-05]),
        ("one cycle, lines", OneCycle::new(0.5, 10).rise(0.5).linear().into(), &[0.02, 0.13999999999999999, 0.26, 0.38, 0.5, 0.4000004, 0.30000079999999996, 0.2000012, 0.10000159999999997, 2.000000000002e-06]),
        ("one cycle, three phases", OneCycle::new(0.5, 12).rise(0.3).three_phases().into(), &[0.020000000000000018, 0.17489482710979154, 0.43964257956106434, 0.4725094461567704, 0.2310711967387223, 0.02697396381774749, 0.0190758466212899, 0.015612309466558462, 0.01054233494694559, 0.005317384001442797, 0.0014332850955002772, 2e-06]),
        ("sequence", 0.5 * Schedule::linear(0.1, 1.0, 3).then(Schedule::exponential(0.5)), &[0.05, 0.19999999999999998, 0.35, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
        ("product", 0.5 * Schedule::linear(0.5, 1.0, 4) * Schedule::step(2, 0.1), &[0.25, 0.3125, 0.037500000000000006, 0.04375000000000001, 0.005000000000000001, 0.005000000000000001, 0.0005000000000000001, 0.0005000000000000001]),
    ];
    for (name, schedule, expected) in traces {
        schedule.check().unwrap_or_else(|error| panic!("{name}: {error}"));
        let ours: Vec<f64> = (0..expected.len() as u64).map(|t| schedule.at(t)).collect();
        assert_close(name, &ours, expected);
    }
}

#[test]
fn plateaus_are_pytorchs() {
    let metrics = [1.0, 0.9, 0.95, 0.9, 0.89999, 0.91, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, f64::NAN, 0.4, 0.7, 0.7, 0.7];
    #[rustfmt::skip]
    let traces: [(Plateau, f64, [f64; 18]); 3] = [
        (Plateau::new(0.5).factor(0.5).patience(2), 1.0,
            [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.03125]),
        (Plateau::new(0.5).patience(0).cooldown(2).absolute_threshold(0.2).least(1e-3), 1.0,
            [0.5, 0.05, 0.05, 0.05, 0.005, 0.005, 0.005, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001]),
        (Plateau::new(0.5).factor(0.3).patience(1).maximize().threshold(0.0), -1.0,
            [0.5, 0.5, 0.5, 0.15, 0.15, 0.15, 0.15, 0.15, 0.045, 0.045, 0.0135, 0.0135, 0.00405, 0.00405, 0.00405, 0.00405, 0.001215, 0.001215]),
    ];
    for (mut plateau, sign, expected) in traces {
        let fresh = plateau.clone();
        let ours = metrics.map(|metric| {
            // Every time it goes on from what was saved.
            let mut other = fresh.clone();
            other.load_state(plateau.state()).expect("a state that was saved");
            assert_eq!(other, plateau);
            assert_eq!(other.observe(sign * metric), plateau.observe(sign * metric));
            plateau.rate()
        });
        assert_close("plateau", &ours, &expected);
    }
}

#[test]
fn warm_up_ends_where_the_next_begins() {
    let cosine = |t: f64| 0.01 * (1.0 + (PI * t / 8.0).cos()) / 2.0;
    let schedule = 0.01 * Schedule::warmup(4).then(Schedule::cosine(1.0, 0.0, 8));
    let ours: Vec<f64> = (0..13).map(|t| schedule.at(t)).collect();
    let expected: Vec<f64> =
        (1..=4).map(|t| 0.0025 * f64::from(t)).chain((0..=8).map(|t| cosine(f64::from(t)))).collect();
    assert_close("warm-up, cosine", &ours, &expected);
    assert_eq!(schedule.steps(), Some(12));
    assert_eq!(Schedule::warmup(1).at(0), 1.0);
}

#[test]
fn schedules_combine() {
    let (a, b) = (Schedule::linear(0.0, 1.0, 3), Schedule::exponential(0.5));
    let c = Schedule::function(|t| if t % 2 == 0 { 1.0 } else { 0.25 });
    let sequence = a.clone().then(b.clone().until(2)).then(c.clone());
    let nested = a.clone().then(b.clone().until(2).then(c.clone()));
    let product = b.clone() * c.clone();
    for t in 0..12 {
        assert_eq!(sequence.at(t), nested.at(t));
        assert_eq!(product.at(t), b.at(t) * c.at(t));
        assert_eq!((2.0 * b.clone()).at(t), 2.0 * b.at(t));
    }
    assert_eq!((sequence.at(2), sequence.at(3), sequence.at(4), sequence.at(5)), (2.0 / 3.0, 1.0, 0.5, 1.0));
    // What has no end is never over, and what has one stays at its last number.
    assert_eq!(b.clone().then(a.clone()).at(9), 0.5f64.powi(9));
    assert_eq!((a.at(u64::MAX), b.until(2).at(u64::MAX)), (1.0, 0.25));
    assert_eq!(
        (c.steps(), a.steps(), (0.1 * a.clone()).steps(), a.until(7).steps()),
        (None, Some(3), Some(3), Some(7))
    );
    let endless = Schedule::cosine_restarts(1.0, 0.0, 3, 2);
    assert!((0.0..=1.0).contains(&endless.at(u64::MAX)));
    // Nothing to do is done at once.
    assert_eq!(Schedule::cosine(1.0, 0.5, 0).then(0.25).at(0), 0.25);
    assert!((0..4).all(|steps| (0..4).all(|t| Schedule::one_cycle(1.0, steps).at(t).is_finite())));
}

#[test]
fn what_makes_no_sense_is_refused() -> Result<()> {
    #[rustfmt::skip]
    let wrong = [
        (Schedule::step(0, 0.1), "schedule: a step every 0 steps"),
        (Schedule::exponential(-1.0), "schedule: factor -1 must be finite and not negative"),
        (Schedule::multi_step(&[1], f64::NAN), "schedule: factor NaN must be finite and not negative"),
        (Schedule::constant(f64::INFINITY), "schedule: number inf must be finite and not negative"),
        (Schedule::linear(-1.0, 1.0, 5), "schedule: start -1 must be finite and not negative"),
        (0.1 * Schedule::warmup(3).then(Schedule::cosine(1.0, -1.0, 5)), "schedule: end -1 must be finite and not negative"),
        (Schedule::polynomial(1.0, 0.0, f64::NAN, 5).until(3), "schedule: power NaN must be finite and not negative"),
        (Schedule::cosine_restarts(1.0, 0.0, 0, 1), "schedule: restarts every 0 steps"),
        (Schedule::cosine_restarts(1.0, 0.0, 3, 0), "schedule: restarts every 0 steps"),
        (OneCycle::new(1.0, 10).rise(2.0).into(), "schedule: the rise 2 must be from 0 to 1 of the steps"),
        (OneCycle::new(1.0, 10).rise(0.6).three_phases().into(), "schedule: the rise 0.6 must be from 0 to 0.5 of the steps"),
    ];
    for (schedule, sentence) in wrong {
        let error = schedule.check().unwrap_err();
        assert_eq!((error.kind(), error.sentence()), (ErrorKind::Value, sentence));
    }
    let error = Plateau::new(1.0).factor(1.0).check().unwrap_err();
    assert_eq!(error.sentence(), "schedule: the factor 1 must be at least 0 and less than 1");
    let mut plateau = Plateau::new(1.0);
    assert!(
        plateau.load_state([f64::NAN, 0.0, 0.0, 0.0]).is_err() && plateau.load_state([1.0, 0.0, -1.0, 0.0]).is_err()
    );
    assert_eq!(plateau, Plateau::new(1.0));

    // Who does not ask is told by the optimiser.
    let x = Param::new(Tensor::from(1.0));
    let mut train = Train::new(&x, Sgd::new(0.1));
    train.set_lr(Schedule::step(0, 0.1).at(3));
    let error = train.step(|t| x.on(t).square()).unwrap_err();
    assert_eq!(error.sentence(), "sgd: lr NaN must be finite and not negative");
    Ok(())
}
