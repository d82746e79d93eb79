//! Optimisers against PyTorch 2's in f64, step by step; recorded and compiled; and what they refuse.

use std::cell::Cell;

use wengert_autograd::{Var, program_cache};
use wengert_nn::{
    Adadelta, Adagrad, Adam, AdamW, Lamb, Lion, NAdam, Optimizer, Param, RAdam, RmsProp, Sgd, Train, Update,
};
use wengert_tensor::{DType, ErrorKind, Result, Tensor};

/// sum of e^x sin 3x + x^3: different slopes everywhere.
fn wavy(x: Var<'_>) -> Var<'_> {
    (x.exp() * (3.0 * x).sin() + x * x * x).sum()
}

fn after(steps: usize, optimizer: impl Optimizer + 'static) -> Result<Vec<f64>> {
    let x = Param::new(Tensor::from([1.5, -0.75, 0.25]));
    let mut train = Train::new(&x, optimizer);
    for _ in 0..steps {
        train.step(|t| wavy(x.on(t)))?;
    }
    x.value().to_vec()
}

#[test]
fn four_steps_end_where_pytorch_ends() -> Result<()> {
    #[rustfmt::skip]
    let traces: [(&str, Box<dyn Optimizer>, [f64; 3]); 8] = [
        ("plain", Box::new(Sgd::new(0.05)),
            [1.5000739453323986, -0.8646676371131554, -0.30065815126531853]),
        ("decay", Box::new(Sgd::new(0.05).weight_decay(0.1)),
            [1.500682256973333, -0.8432956939337235, -0.29969875700931076]),
        ("momentum", Box::new(Sgd::new(0.05).momentum(0.9)),
            [1.5043767830845427, -1.0135287758656297, -0.9867056959026683]),
        ("nesterov", Box::new(Sgd::new(0.05).momentum(0.9).nesterov().weight_decay(0.01)),
            [1.0831678288065236, -1.2256663303202462, -1.00760815647539]),
        ("adam", Box::new(Adam::new(0.05)),
            [1.483437885971186, -0.9480771204459671, 0.05034770696549804]),
        ("adam, every setting", Box::new(Adam::new(0.05).betas(0.8, 0.95).eps(1e-3).weight_decay(0.1)),
            [1.4790913350795125, -0.9493834028285356, 0.050624343750512404]),
        ("adamw", Box::new(AdamW::new(0.05)),
            [1.4832190528152154, -0.9464728567529641, 0.049999509645861626]),
        ("adamw, every setting", Box::new(AdamW::new(0.05).betas(0.7, 0.9).eps(1e-4).weight_decay(0.3)),
            [1.5011535412334267, -0.9046386503237747, 0.040663124483086004]),
    ];
    for (name, optimizer, expected) in traces {
        for (x, expected) in after(4, optimizer)?.into_iter().zip(expected) {
            assert!((x - expected).abs() < 1e-12, "{name}: {x}, not {expected}");
        }
    }
    Ok(())
}

type Traces<const N: usize> = [(&'static str, Box<dyn Optimizer>, [[f64; 3]; 4]); N];

/// The steps after which traces have the parameter.
const STEPS: [usize; 4] = [1, 2, 6, 10];

/// Traces of PyTorch 2.15.
#[rustfmt::skip]
fn of_pytorch() -> Traces<18> {
    [
        ("sgd, dampening", Box::new(Sgd::new(0.05).momentum(0.9).dampening(0.3).weight_decay(0.02)), [
            [1.5217574867706123, -0.7707389810070373, 0.05568685964530266],
            [1.526195903088725, -0.8064875926942786, -0.23518024880577867],
            [1.521538051182314, -1.2555609902410791, -1.4802423702944139],
            [1.509122956385547, -5.010604072783266, -8.71136860108252],
        ]),
        ("adam, amsgrad", Box::new(Adam::new(0.05).betas(0.7, 0.6).amsgrad()), [
            [1.5499999989250774, -0.7999999988366131, 0.20000000012882405],
            [1.5209622409331767, -0.848661549234051, 0.14997826350743895],
            [1.5142433912360411, -1.032385836339275, -0.047990720902791835],
            [1.5089255371254524, -1.2111866009839563, -0.20925060116435937],
        ]),
        ("adamw, amsgrad", Box::new(AdamW::new(0.1).betas(0.5, 0.5).weight_decay(0.2).amsgrad()), [
            [1.5699999978501546, -0.8349999976732262, 0.1450000002576481],
            [1.4649947594634707, -0.9152648754535914, 0.04212718502428868],
            [1.5093706998813012, -1.2158392113717245, -0.2773661929823893],
            [1.4987859229574318, -1.5003584205657905, -0.39735242520216524],
        ]),
        ("nadam", Box::new(NAdam::new(0.05)), [
            [1.5528225877821655, -0.8028225876887073, 0.197177411218327],
            [1.5031304294380365, -0.8478641034276841, 0.15823001540174225],
            [1.5108837766778536, -1.0454980881388614, 0.01597414297719675],
            [1.5114271804881183, -1.2895188569290903, -0.12337164609829136],
        ]),
        ("nadam, decay", Box::new(NAdam::new(0.05).betas(0.8, 0.95).eps(1e-3).momentum_decay(0.1).weight_decay(0.1)), [
            [1.5546384683151169, -0.8046577801398553, 0.19520218683705584],
            [1.5003178858940533, -0.854662846940467, 0.15209271643100075],
            [1.5070464972424262, -1.084073855731528, -0.012425617680316851],
            [1.507857307735185, -1.3570689055121847, -0.1668879905660856],
        ]),
        ("nadam, decoupled", Box::new(NAdam::new(0.05).weight_decay(0.3).decoupled()), [
            [1.5303225877821656, -0.7915725876887073, 0.193427411218327],
            [1.464418724894296, -0.823713721817197, 0.15161069816632586],
            [1.4987188279542534, -0.9594745068653914, 0.004393827672304765],
            [1.5029806247135118, -1.132719050043088, -0.13071346323069719],
        ]),
        ("radam", Box::new(RAdam::new(0.05)), [
            [1.5232574867706123, -0.7714889810070373, 0.05593685964530265],
            [1.5220529623551522, -0.7949929300910813, -0.123199540028923],
            [1.5039714652712852, -0.8833567644838533, -0.5067378256345363],
            [1.5071210518933302, -0.8918071398045524, -0.5113979141715566],
        ]),
        ("radam, decay", Box::new(RAdam::new(0.05).betas(0.8, 0.95).eps(1e-3).weight_decay(0.1)), [
            [1.5157574867706123, -0.7677389810070373, 0.05468685964530265],
            [1.5142006924521743, -0.7871653575568033, -0.12414755143574546],
            [1.5052127312080283, -0.869336349212291, -0.4920970562501984],
            [1.5086172601091326, -0.9320599847936522, -0.5183302036048627],
        ]),
        ("radam, decoupled", Box::new(RAdam::new(0.05).betas(0.9, 0.9).weight_decay(0.3).decoupled()), [
            [1.5007574867706124, -0.7602389810070374, 0.05218685964530265],
            [1.5007375247639931, -0.7712530912704312, -0.12721810565825098],
            [1.4903974090074483, -0.8106451796047549, -0.49850036168394196],
            [1.478455272766984, -0.8435117455908904, -0.5240023836476546],
        ]),
        ("radam, never adapts", Box::new(RAdam::new(0.01).betas(0.9, 0.5)), [
            [1.5046514973541225, -0.7542977962014075, 0.21118737192906054],
            [1.5083556105423825, -0.7586721595069625, 0.17253231400659183],
            [1.515644439964335, -0.7770385635254169, 0.022912778260012458],
            [1.5154474567279665, -0.7970792034042788, -0.11173655006147298],
        ]),
        ("rmsprop", Box::new(RmsProp::new(0.02)), [
            [1.699999957003102, -0.9499999534645329, 0.05000000515296202],
            [1.5002222013766353, -1.1421908714479743, -0.07954027772119579],
            [1.5118563256544832, -1.7708460284030556, -0.3194209009614474],
            [1.5118687235759134, -2.2288339430947626, -0.41748717949334335],
        ]),
        ("rmsprop, centred", Box::new(RmsProp::new(0.02).alpha(0.9).eps(1e-3).centered().weight_decay(0.1)), [
            [1.5659689145911875, -0.8160461299894356, 0.18339017353222864],
            [1.5006588400993575, -0.8768883006727508, 0.13298976121989523],
            [1.5080726531067064, -1.1057158968743064, -0.022195260448061534],
            [1.5080741220920315, -1.3254154104658529, -0.14890651855996792],
        ]),
        ("rmsprop, momentum", Box::new(RmsProp::new(0.01).momentum(0.7)), [
            [1.599999978501551, -0.8499999767322665, 0.15000000257648102],
            [1.5706478196742413, -1.009639875431886, 0.010707645772484628],
            [1.505320524499903, -1.9252918996187984, -0.47560486333516055],
            [1.5011809180571187, -2.8519794448114215, -0.6612651320855455],
        ]),
        ("rmsprop, all", Box::new(RmsProp::new(0.01).alpha(0.95).momentum(0.5).centered().eps(1e-2)), [
            [1.541763523103542, -0.7914571893430747, 0.20465293290884956],
            [1.5215697713885281, -0.8480908809718856, 0.14872780550995096],
            [1.517280424079325, -1.1181629711278112, -0.04823386445808696],
            [1.513264664484624, -1.3850992924611993, -0.18238030048131515],
        ]),
        ("adagrad", Box::new(Adagrad::new(0.1)), [
            [1.5999999999785015, -0.8499999999767323, 0.15000000000257646],
            [1.5006543332953555, -0.9395511124255042, 0.0808888566566571],
            [1.511868725167988, -1.2359897547043919, -0.087732145565176],
            [1.511868731532332, -1.4643032836626695, -0.18581728720859522],
        ]),
        ("adagrad, all", Box::new(Adagrad::new(0.2).lr_decay(0.1).initial(0.5).eps(1e-3).weight_decay(0.1)), [
            [1.5813124716486142, -0.8395774034943606, 0.05324794954142745],
            [1.4044639695632122, -0.9624327489090825, -0.0630698111518145],
            [1.507996429297987, -1.4257681690778425, -0.25884332296634177],
            [1.5080741584750659, -1.6930682760556153, -0.3335475009164385],
        ]),
        ("adadelta", Box::new(Adadelta::new(1.0)), [
            [1.5031622045850725, -0.7531621920627365, 0.2468377233894313],
            [1.5059071753048672, -0.7564439347232457, 0.24359353179605517],
            [1.5109958723035142, -0.7706497917253626, 0.23016420246056668],
            [1.5117759143821217, -0.7866465294360404, 0.21629620374914382],
        ]),
        ("adadelta, all", Box::new(Adadelta::new(0.5).rho(0.8).eps(1e-2).weight_decay(0.1)), [
            [1.5911830048037099, -0.844584406655276, 0.13837932966429944],
            [1.447569162656879, -0.9747067888466274, 0.023814331728736607],
            [1.4409829375771186, -1.970981205147305, -0.3063847856931398],
            [1.4188485229433871, -4.01801656820677, -0.44166218544693087],
        ]),
    ]
}

/// Traces of the papers' formulas, written out in Python with PyTorch's gradients: it has no such optimisers.
#[rustfmt::skip]
fn of_papers() -> Traces<4> {
    [
        ("lion", Box::new(Lion::new(0.02)), [
            [1.52, -0.77, 0.23],
            [1.5, -0.79, 0.21000000000000002],
            [1.5, -0.8700000000000001, 0.13000000000000006],
            [1.5, -0.9500000000000002, 0.050000000000000044],
        ]),
        ("lion, all", Box::new(Lion::new(0.05).betas(0.5, 0.8).weight_decay(0.3)), [
            [1.5275, -0.7887500000000001, 0.19625],
            [1.4545875000000001, -0.82691875, 0.14330625],
            [1.4648012110822421, -0.9739536750221367, -0.0606454201919961],
            [1.4744157506414803, -1.1123630241638804, -0.25263258190473736],
        ]),
        ("lamb", Box::new(Lamb::new(0.02)), [
            [1.5194141304952085, -0.7695619506592751, 0.2302409103570256],
            [1.5227074314086892, -0.7936486261689042, 0.20594011734427967],
            [1.5056073633558675, -0.8900393855648955, 0.10940286220766296],
            [1.5166764502103385, -0.9913231473131453, 0.011108758512266288],
        ]),
        ("lamb, all", Box::new(Lamb::new(0.05).betas(0.8, 0.95).eps(1e-3).weight_decay(0.2)), [
            [1.538947652860362, -0.7973094037609566, 0.19141330652399371],
            [1.49447753609319, -0.8444574793336815, 0.13309332085686604],
            [1.5256377792929388, -1.0667826792225663, -0.13126593295414724],
            [1.4998810441449595, -1.344737758475745, -0.3928783669086302],
        ]),
    ]
}

fn traces() -> impl Iterator<Item = (&'static str, Box<dyn Optimizer>, [[f64; 3]; 4])> {
    of_pytorch().into_iter().chain(of_papers())
}

#[test]
fn ten_steps_are_those_of_the_references() -> Result<()> {
    for (name, optimizer, expected) in traces() {
        let x = Param::new(Tensor::from([1.5, -0.75, 0.25]));
        let mut train = Train::new(&x, optimizer);
        for (steps, expected) in STEPS.into_iter().zip(expected) {
            while train.steps() < steps as u64 {
                train.step(|t| wavy(x.on(t)))?;
            }
            let x = x.value().to_vec::<f64>()?;
            let close =
                x.iter().zip(expected).all(|(x, expected)| (x - expected).abs() < 1e-10 * expected.abs().max(1.0));
            assert!(close, "{name}: after {steps} steps {x:?}, not {expected:?}");
        }
    }
    Ok(())
}

#[test]
fn compiled_steps_are_recorded_steps_and_rates_compile_nothing() -> Result<()> {
    let one = Tensor::from(1.0);
    // Twice, for each consumes an optimiser.
    for ((name, recorded, _), (_, compiled, _)) in traces().zip(traces()) {
        let [x, y] = [(); 2].map(|()| Param::new(Tensor::from([1.5, -0.75, 0.25])));
        let mut recorded = Train::new(&x, recorded);
        let recordings = Cell::new(0);
        let mut compiled = Train::new(&y, compiled).compile(|[one]| {
            recordings.set(recordings.get() + 1);
            wavy(y.on(one.tape())) * one
        });
        let mut misses = None;
        for i in 0..12 {
            let lr = 0.01 + 0.001 * f64::from(i);
            recorded.set_lr(lr);
            compiled.set_lr(lr);
            let loss = recorded.step(|t| wavy(x.on(t)) * t.input(&one))?;
            assert_eq!(compiled.step([&one])?.to_bits(), loss.to_bits(), "{name}, step {i}");
            assert_eq!(x.value(), y.value(), "{name}, step {i}");
            let now = program_cache().misses;
            assert_eq!(*misses.get_or_insert(now), now, "{name}: step {i} made another program");
        }
        assert_eq!(recordings.get(), 1, "{name}");
    }
    Ok(())
}

#[test]
fn gradients_of_zero_move_nothing() -> Result<()> {
    for (name, optimizer, _) in traces() {
        let x = Param::new(Tensor::from([0.0, 0.0, 0.0]));
        let mut train = Train::new(&x, optimizer);
        for _ in 0..3 {
            train.step(|t| x.on(t).square().sum())?;
        }
        assert_eq!(x.value(), Tensor::from([0.0, 0.0, 0.0]), "{name}");
    }
    Ok(())
}

#[test]
fn numbers_stay_finite_for_any_number_of_steps() {
    for (name, optimizer, _) in traces() {
        for step in [1, 2, 1000, 10_000_000, u64::MAX] {
            let mut numbers = Vec::new();
            optimizer.numbers(step, &mut numbers);
            assert!(numbers.iter().all(|n| n.is_finite()), "{name}, step {step}: {numbers:?}");
        }
    }
}

#[test]
fn a_rate_that_changes_takes_effect_at_the_next_step() -> Result<()> {
    let x = Param::new(Tensor::from(1.0));
    let mut train = Train::new(&x, Sgd::new(0.5));
    train.step(|t| x.on(t).sum())?;
    train.set_lr(0.125);
    train.step(|t| x.on(t).sum())?;
    assert_eq!((x.value().item()?, train.lr(), train.steps()), (0.375, 0.125, 2));
    Ok(())
}

#[test]
fn settings_out_of_range_are_refused_with_their_value() {
    #[rustfmt::skip]
    let wrong: [(Box<dyn Optimizer>, &str); 21] = [
        (Box::new(Sgd::new(-1.0)), "sgd: lr -1 must be finite and not negative"),
        (Box::new(Sgd::new(f64::NAN)), "sgd: lr NaN must be finite and not negative"),
        (Box::new(Sgd::new(1.0).momentum(f64::INFINITY)), "sgd: momentum inf must be finite and not negative"),
        (Box::new(Sgd::new(1.0).weight_decay(-0.5)), "sgd: weight_decay -0.5 must be finite and not negative"),
        (Box::new(Sgd::new(1.0).nesterov()), "sgd: nesterov needs a momentum above 0"),
        (Box::new(Adam::new(1.0).betas(1.0, 0.9)), "adam: beta 1 1 must be at least 0 and less than 1"),
        (Box::new(Adam::new(1.0).betas(0.0, -0.1)), "adam: beta 2 -0.1 must be at least 0 and less than 1"),
        (Box::new(AdamW::new(1.0).eps(-1.0)), "adamw: eps -1 must be finite and not negative"),
        (Box::new(Sgd::new(1.0).momentum(0.9).dampening(1.5)), "sgd: dampening 1.5 must be from 0 to 1"),
        (Box::new(Sgd::new(1.0).momentum(0.9).dampening(0.5).nesterov()), "sgd: nesterov goes without dampening"),
        (Box::new(NAdam::new(1.0).momentum_decay(-1.0)), "nadam: momentum_decay -1 must be finite and not negative"),
        (Box::new(NAdam::new(1.0).betas(2.0, 0.5)), "nadam: beta 1 2 must be at least 0 and less than 1"),
        (Box::new(RAdam::new(1.0).eps(f64::NAN)), "radam: eps NaN must be finite and not negative"),
        (Box::new(RmsProp::new(1.0).alpha(1.0)), "rmsprop: alpha 1 must be at least 0 and less than 1"),
        (Box::new(RmsProp::new(1.0).momentum(-1.0)), "rmsprop: momentum -1 must be finite and not negative"),
        (Box::new(Adagrad::new(1.0).initial(-1.0)), "adagrad: initial -1 must be finite and not negative"),
        (Box::new(Adagrad::new(1.0).lr_decay(-1.0)), "adagrad: lr_decay -1 must be finite and not negative"),
        (Box::new(Adadelta::new(1.0).rho(-0.5)), "adadelta: rho -0.5 must be at least 0 and less than 1"),
        (Box::new(Lion::new(1.0).weight_decay(-1.0)), "lion: weight_decay -1 must be finite and not negative"),
        (Box::new(Lamb::new(1.0).betas(0.5, 1.0)), "lamb: beta 2 1 must be at least 0 and less than 1"),
        (Box::new(AdamW::new(f64::INFINITY)), "adamw: lr inf must be finite and not negative"),
    ];
    for (optimizer, sentence) in wrong {
        let err = after(1, optimizer).unwrap_err();
        assert_eq!((err.kind(), err.sentence()), (ErrorKind::Value, sentence));
    }
}

#[test]
fn f32_steps_like_f64() -> Result<()> {
    let x = Param::new(Tensor::from([1.5f32, -0.75, 0.25]));
    let mut train = Train::new(&x, AdamW::new(0.05));
    for _ in 0..4 {
        train.step(|t| wavy(x.on(t)))?;
    }
    let expected = Tensor::from(after(4, AdamW::new(0.05))?);
    assert!(x.value().cast(DType::F64)?.allclose(&expected, 0.0, 1e-6)?);
    Ok(())
}

/// An optimiser that makes what it should not.
struct Wrong(fn(Var<'_>) -> Update<'_>);

impl Optimizer for Wrong {
    fn lr(&self) -> f64 {
        0.0
    }

    fn set_lr(&mut self, _: f64) {}

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn numbers(&self, _: u64, _: &mut Vec<f64>) {}

    fn update<'t>(&self, x: Var<'t>, _: Var<'t>, _: &[Var<'t>], _: &[Var<'t>]) -> Update<'t> {
        (self.0)(x)
    }
}

#[test]
fn an_optimiser_that_changes_types_is_refused() {
    let sentence = |make| after(1, Wrong(make)).unwrap_err().sentence().to_string();
    assert_eq!(
        sentence(|x| Update { x: x.sum(), state: vec![] }),
        "train: the optimiser makes f64[] of param of f64[3]"
    );
    assert_eq!(sentence(|x| Update { x, state: vec![x] }), "train: the optimiser makes 1 states of param, not 0");
    assert!(sentence(|x| Update { x: x.reshape([7]), state: vec![] }).starts_with("reshape: "));
}
