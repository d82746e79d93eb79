//! Loops and branches that are equations: alike in value and in every derivative to the Rust that they stand for.

use wengert_autograd::{
    Reversed, Tape, Var, cond, grad, gradcheck, gradgradcheck, hessian, hvp, jacobian, jvp, scan, vjp, vmap,
    while_loop, while_loop_within,
};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

fn random(shape: &[usize], seed: u64) -> Result<Tensor> {
    Tensor::randn(shape, DType::F64, &mut Rng::seed(seed))
}

fn close(a: &Tensor, b: &Tensor) {
    assert!(a.allclose(b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}");
}

/// One step of a small recurrent network, and what it shows.
fn cell<'t>(h: Var<'t>, x: Var<'t>, w: Var<'t>) -> (Var<'t>, Var<'t>) {
    let h = (h.matmul(w) + x).tanh();
    (h, (h * x).sum_axes(-1))
}

/// A network over x [steps, 2, 3], from h [2, 3], by w [3, 3]: all that it shows, and the last state.
fn rolled<'t>([h, x, w]: [Var<'t>; 3]) -> Var<'t> {
    let (h, ys) = scan(|h, x| cell(h, x, w), h, x);
    Var::concat(&[h.flatten(), ys.flatten()], 0)
}

/// The same by a loop of Rust's.
fn unrolled<'t>([h, x, w]: [Var<'t>; 3]) -> Var<'t> {
    let (mut h, mut ys) = (h, Vec::new());
    for i in 0..x.shape()[0] as isize {
        let (next, y) = cell(h, x.select_axis(0, i), w);
        h = next;
        ys.push(y);
    }
    Var::concat(&[h.flatten(), Var::stack(&ys, 0).flatten()], 0)
}

type Three = for<'t> fn([Var<'t>; 3]) -> Var<'t>;

fn operands() -> Result<[Tensor; 3]> {
    Ok([random(&[2, 3], 1)?, random(&[5, 2, 3], 2)?, random(&[3, 3], 3)?])
}

#[test]
fn a_scan_is_the_loop_in_value_and_every_derivative() -> Result<()> {
    let [h, x, w] = &operands()?;
    let [dh, dx, dw] = &[random(&[2, 3], 4)?, random(&[5, 2, 3], 5)?, random(&[3, 3], 6)?];
    let (at, along) = ([h, x, w], [dh, dx, dw]);
    // Values and tangents have the bits of the loop.
    let (a, b) = (jvp(rolled, at, along)?, jvp(unrolled, at, along)?);
    assert_eq!(a.0, b.0);
    assert_eq!(a.1, b.1);
    // Cotangents are sums in another order.
    let ybar = &random(a.0.shape(), 7)?;
    let (a, b) = (vjp(rolled, at, ybar)?.1, vjp(unrolled, at, ybar)?.1);
    a.iter().zip(&b).for_each(|(a, b)| close(a, b));
    let product = |f: Three| hvp(|v| f(v).square().sum(), at, along);
    let (a, b) = (product(rolled)?, product(unrolled)?);
    a.iter().zip(&b).for_each(|(a, b)| close(a, b));
    // Reverse over reverse.
    let twice = |f: Three| {
        grad(
            |v| {
                let [a, b, c] = grad(|v| f(v).square().sum(), v);
                a.square().sum() + b.square().sum() + (c * c.sin()).sum()
            },
            at,
        )
    };
    twice(rolled)?.iter().zip(&twice(unrolled)?).for_each(|(a, b)| close(a, b));
    gradcheck(rolled, at)?;
    gradgradcheck(rolled, at)?;
    Ok(())
}

#[test]
fn jacobians_and_hessians_of_a_scan() -> Result<()> {
    let [h, x, w] = &operands()?;
    let (a, b) = (jacobian(rolled, [h, x, w])?, jacobian(unrolled, [h, x, w])?);
    a.iter().zip(&b).for_each(|(a, b)| close(a, b));
    let (a, b) =
        (hessian(|v| rolled(v).square().sum(), [h, x, w])?, hessian(|v| unrolled(v).square().sum(), [h, x, w])?);
    a.iter().flatten().zip(b.iter().flatten()).for_each(|(a, b)| close(a, b));
    Ok(())
}

#[test]
fn a_batch_of_scans_is_a_loop_over_them_whatever_is_batched() -> Result<()> {
    let many = [random(&[4, 2, 3], 1)?, random(&[4, 5, 2, 3], 2)?, random(&[4, 3, 3], 3)?];
    let one = &operands()?;
    for subset in 1..8usize {
        let with = |f: Three| {
            let chosen: Vec<&Tensor> = (0..3).filter(|i| subset >> i & 1 == 1).map(|i| &many[i]).collect();
            vmap(
                |v: Vec<Var<'_>>| {
                    let mut v = v.into_iter();
                    let tape = v.as_slice()[0].tape();
                    let x = std::array::from_fn(|i| match subset >> i & 1 {
                        1 => v.next().unwrap_or_else(|| tape.input(&one[i])),
                        _ => tape.input(&one[i]),
                    });
                    let [a, b, c] = grad(|x| f(x).square().sum(), x);
                    Var::concat(&[f(x), a.flatten(), b.flatten(), c.flatten()], 0)
                },
                chosen,
            )
        };
        close(&with(rolled)?, &with(unrolled)?);
    }
    Ok(())
}

#[test]
fn scans_nest() -> Result<()> {
    fn nested<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
        let (last, ys) = scan(|s, row| scan(|s, x| ((s * w + x).sin(), s), s, row), w.sum(), x);
        ys.sum() * last
    }
    fn plain<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
        let (mut s, mut sum) = (w.sum(), w.tape().full((), 0.0));
        for i in 0..3 {
            for j in 0..4 {
                sum = sum + s;
                s = (s * w + x.select_axis(0, i).select_axis(0, j)).sin();
            }
        }
        sum * s
    }
    let (x, w) = (&random(&[3, 4], 1)?, &Tensor::from(0.75));
    close(&jvp(nested, [x, w], [x, w])?.1, &jvp(plain, [x, w], [x, w])?.1);
    let (a, b) = (hessian(nested, [x, w])?, hessian(plain, [x, w])?);
    a.iter().flatten().zip(b.iter().flatten()).for_each(|(a, b)| close(a, b));
    Ok(())
}

#[test]
fn steps_are_counted_backwards_too_and_integers_may_be_carried() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([2.0, 3.0]));
    let zero = tape.full((), 0i64);
    let ((sum, count), (counts, sums)) =
        scan(|(sum, count), i| ((sum + x * i.cast(DType::F64), count + i), (count, sum.sum())), (x, zero), Reversed(4));
    let values = tape.finish(&[sum, count, counts, sums, sum.sum().grad(x), sums.sum().grad(x)])?;
    assert_eq!(values[0], Tensor::from([14.0, 21.0]));
    assert_eq!(values[1], Tensor::from(6i64));
    assert_eq!(values[2], Tensor::from([6i64, 5, 3, 0]));
    assert_eq!(values[3], Tensor::from([35.0, 30.0, 20.0, 5.0]));
    assert_eq!(values[4], Tensor::from([7.0, 7.0]));
    assert_eq!(values[5], Tensor::from([18.0, 18.0]));
    tape.check()
}

#[test]
fn no_steps_leave_the_carry_and_give_nothing() -> Result<()> {
    fn f<'t>([s, x]: [Var<'t>; 2]) -> Var<'t> {
        let (last, ys) = scan(|s, x| (s * x, s + x), s, x);
        last.square().sum() + ys.sum()
    }
    let (s, x) = (&Tensor::from([1.5, -2.0]), &Tensor::zeros([0, 2], DType::F64)?);
    let [ds, dx] = grad(f, [s, x])?;
    assert_eq!((ds, dx), (Tensor::from([3.0, -4.0]), x.clone()));
    assert_eq!(jvp(f, [s, x], [s, x])?.1.item()?, 2.0 * (2.25 + 4.0));
    let y = vmap(|s| scan(|s, i: Var| (s * i.cast(DType::F64), s), s, 0).1, s)?;
    assert_eq!(y.shape()[..], [2, 0]);
    Ok(())
}

#[test]
fn a_nan_goes_where_it_would_and_nowhere_else() -> Result<()> {
    let x = Tensor::from([1.0, f64::NAN, 2.0]);
    let tape = Tape::new();
    let (last, ys) = scan(|s, x: Var| (x * 2.0, s + x), tape.full((), 0.0), tape.input(&x));
    assert_eq!(last.item()?, 4.0);
    let ys = ys.value()?.to_vec::<f64>()?;
    assert!(ys[0] == 1.0 && ys[1].is_nan() && ys[2].is_nan());
    Ok(())
}

#[test]
fn mistakes_in_a_body_are_sentences_with_a_line() {
    let x = &Tensor::from([1.0, 2.0, 3.0]);
    let sentence = |f: for<'t> fn(Var<'t>) -> Var<'t>| grad(|x| f(x).sum(), x).unwrap_err();
    let grows = sentence(|x| scan(|c, x: Var| (Var::stack(&[c, x], 0), ()), x.sum(), x).0);
    assert_eq!(grows.sentence(), "scan: the carry is f64[] before a step and f64[2] after it");
    assert!(grows.location().is_some_and(|at| at.file().ends_with("control.rs")));
    let changes = sentence(|x| scan(|(c, n), _| ((c, n.cast(DType::F64)), ()), (x, x.argmax(0)), 3).0.0);
    assert_eq!(changes.sentence(), "scan: variable 1 of the carry is i64[] before a step and f64[] after it");
    assert_eq!(changes.kind(), ErrorKind::DType);
    let lengths = sentence(|x| scan(|c, (a, b): (Var, Var)| (c + a + b, ()), x.sum(), (x, x.narrow(0, 0, 2))).0);
    assert_eq!(lengths.sentence(), "scan: goes over [3] and [2], whose leading axes differ");
    let scalar = sentence(|x| scan(|c, x: Var| (c + x, ()), x.sum(), x.sum()).0);
    assert_eq!(scalar.sentence(), "scan: goes over f64[], which has no leading axis");
    let inside = sentence(|x| scan(|c, _| (c.reshape([7]), ()), x, 2).0);
    assert!(inside.sentence().starts_with("reshape"), "{inside}");
    let many = sentence(|x| scan(|c, _| (c, ()), x, x.tape().full([1 << 61], 0.0)).0);
    assert_eq!(many.kind(), ErrorKind::Memory);
    let many = sentence(|x| scan(|c, _| (c, ()), x, usize::MAX).0);
    assert_eq!(many.kind(), ErrorKind::Memory);
    let nothing = sentence(|x| scan(|c, ()| (c, ()), x, ()).0);
    assert_eq!(nothing.sentence(), "scan: goes over no variable; give it a number of steps instead");
    // What only running shows names the step.
    let running = sentence(|x| scan(|c, i| (c * x.gather(0, (i + 2.0).reshape([1])).sum(), ()), x, 3).0);
    assert!(running.sentence().starts_with("scan: step 1: gather"), "{running}");
    // Nothing is lost in silence.
    let lost = sentence(|x| scan(|c, _| (c.detach() * 2.0, ()), x, 3).0);
    assert_eq!(lost.kind(), ErrorKind::Gradient);
}

#[test]
fn parameters_and_captured_variables_get_their_gradients() -> Result<()> {
    let tape = Tape::new();
    let w = tape.input(&Tensor::from([0.5, 2.0]));
    let key = |tape: &Tape| tape.keyed_input(7, &Tensor::from(3.0)).id();
    let (last, _) = scan(|s, _| (s * w + tape.keyed_input(7, &Tensor::from(3.0)), ()), w, 2);
    let p = tape.keyed(7).unwrap_or(w);
    assert_eq!(p.id(), key(&tape));
    let values = tape.finish(&last.sum().grads(&[w, p]))?;
    // w³ + p (w + 1), by w: 3 w² + p; by p, over both elements: Σ (w + 1).
    assert_eq!(values, [Tensor::from([3.75, 15.0]), Tensor::from(4.5)]);
    Ok(())
}

/// The square root by Newton's method, from x itself.
fn root(x: Var<'_>) -> Var<'_> {
    while_loop(|r| (r * r - x).abs().greater(1e-14 * x).any(), |r| 0.5 * (r + x / r), x)
}

#[test]
fn newton_finds_the_square_root_and_its_derivative() -> Result<()> {
    let (x, dx) = (&Tensor::from([2.0, 9.0, 1e-3]), &Tensor::from([1.0, 0.5, -2.0]));
    let (y, dy) = jvp(root, x, dx)?;
    let (exact, slope) = jvp(|x| x.sqrt(), x, dx)?;
    assert!(y.allclose(&exact, 1e-12, 0.0)? && dy.allclose(&slope, 1e-12, 0.0)?);
    // Forward over forward: the second derivative.
    let second = |f: for<'t> fn(Var<'t>) -> Var<'t>| jvp(|x| jvp(f, x, x.tape().input(dx)).1, x, dx);
    assert!(second(root)?.1.allclose(&second(|x| x.sqrt())?.1, 1e-10, 0.0)?);
    let reverse = grad(|x| root(x).sum(), x).unwrap_err();
    assert_eq!(reverse.kind(), ErrorKind::Gradient);
    assert!(reverse.sentence().contains("use `scan`"), "{reverse}");
    Ok(())
}

#[test]
fn lanes_of_a_while_loop_stop_by_themselves() -> Result<()> {
    /// How often 3 n + 1 and n / 2 lead to 1 (the Collatz problem).
    fn steps(n: Var<'_>) -> Var<'_> {
        fn next(n: Var<'_>) -> Var<'_> {
            n.rem(2.0).equal(0.0).where_(n.floor_div(2.0), 3.0 * n + 1.0)
        }
        let zero = n.full_like(0);
        while_loop(|(n, _)| n.greater(1.0), |(n, count)| (next(n), count + 1.0), (n, zero)).1
    }
    let n = Tensor::from([1i64, 2, 3, 7, 27]);
    assert_eq!(vmap(steps, &n)?, Tensor::from([0i64, 1, 7, 16, 111]));
    // A number of steps that all lanes share is no reason to go lane by lane; a tangent passes a batch.
    fn power(x: Var<'_>) -> Var<'_> {
        while_loop(|(_, i)| i.less(4.0), |(y, i)| (y * x, i + 1.0), (x, x.full_like(0.0))).0
    }
    let x = &Tensor::from([2.0, -1.0]);
    let slopes = vmap(|x| jvp(power, x, x.full_like(1.0)).1, x)?;
    assert_eq!(slopes, Tensor::from([80.0, 5.0]));
    assert_eq!(vmap(steps, &Tensor::zeros([0], DType::I64)?)?.shape()[..], [0]);
    Ok(())
}

#[test]
fn a_runaway_loop_is_an_error() {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from(1.0));
    let runaway = |limit| while_loop_within(limit, |x| x.greater(0.0), |x| x * 2.0, x).value();
    let error = runaway(10).unwrap_err();
    assert!(error.sentence().starts_with("while_loop: still going after 10 steps"), "{error}");
    assert!(while_loop_within(3, |x| x.less(8.0), |x| x * 2.0, x).value().is_ok());
    assert!(while_loop_within(2, |x| x.less(8.0), |x| x * 2.0, x).value().is_err());
    let vector = tape.input(&Tensor::from([1.0]));
    let test = while_loop(|x| x.less(8.0), |x| x, vector).value().unwrap_err();
    assert_eq!(test.sentence(), "while_loop: the test is bool[1], and a single truth value is wanted");
    let other = while_loop(|x| x.sum().less(8.0), |x| x.cast(DType::F32), vector);
    assert!(other.is_poisoned());
}

fn branches<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
    let (a, b) = cond(x.sum().greater(0.0), |x| ((x * w).sin(), w.sum()), |x| (x.exp(), x.sum()), x);
    a * b
}

#[test]
fn a_branch_is_the_side_chosen_in_value_and_every_derivative() -> Result<()> {
    fn then<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
        (x * w).sin() * w.sum()
    }
    fn otherwise<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
        x.exp() * x.sum() + 0.0 * w
    }
    type Two = for<'t> fn([Var<'t>; 2]) -> Var<'t>;
    let w = &Tensor::from([0.5, 1.5]);
    for (x, side) in [([1.0, -0.25], then as Two), ([-1.0, 0.5], otherwise)] {
        let x = &Tensor::from(x);
        let (a, b) = (jvp(branches, [x, w], [w, x])?, jvp(side, [x, w], [w, x])?);
        close(&a.0, &b.0);
        close(&a.1, &b.1);
        let hessian = |f: Two| hessian(|v| f(v).square().sum(), [x, w]);
        let (a, b) = (hessian(branches)?, hessian(side)?);
        a.iter().flatten().zip(b.iter().flatten()).for_each(|(a, b)| close(a, b));
        gradcheck(branches, [x, w])?;
        gradgradcheck(branches, [x, w])?;
    }
    // A batch in which lanes differ, and one in which they cannot.
    let xs = &Tensor::from([[1.0, -0.25], [-1.0, 0.5]]);
    let by_lane = vmap(|x| grad(|x| branches([x, x.tape().input(w)]).sum(), x), xs)?;
    for i in 0..2 {
        let one = grad(|x| branches([x, x.tape().input(w)]).sum(), &xs.select_axis(0, i)?)?;
        close(&by_lane.select_axis(0, i)?, &one);
    }
    let shared = vmap(|x| cond(x.tape().full((), true), |x| x, |x| -x, x), xs)?;
    assert_eq!(&shared, xs);
    Ok(())
}

#[test]
fn the_side_not_chosen_does_not_run() -> Result<()> {
    let tape = Tape::eager();
    let x = tape.input(&Tensor::from(0.0));
    // Would be an infinity and an index out of range.
    let y = cond(x.greater(0.0), |x| 1.0 / x, |x| x + 1.0, x);
    assert_eq!((y.item()?, y.grad(x).item()?), (1.0, 1.0));
    let v = tape.input(&Tensor::from([1.0, 2.0]));
    let (index, yes) = (tape.input(&Tensor::from([5i64])), tape.full((), true));
    assert_eq!(cond(yes, |()| v.narrow(0, 0, 1), |()| v.index_select(0, index), ()).value()?, Tensor::from([1.0]));
    assert_eq!(cond(x.greater(0.0), |x| (x, x), |x| (x, x.sum()), x).0.item()?, 0.0);
    let error = cond(yes, |x| x, |x| x.sum(), v).value().unwrap_err();
    assert_eq!(error.sentence(), "cond: one side gives f64[2] and the other f64[]");
    Ok(())
}

#[test]
fn a_printed_loop_shows_its_body_and_equal_loops_are_one() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from(0.5));
    let f = || scan(|c, _| (while_loop(|c| c.greater(1.0), |c| c.cos(), c * x), ()), x, 100).0;
    let (a, b) = (f(), f());
    let text = tape.to_string();
    let line = text.lines().find(|line| line.contains("= scan { steps: 100, carries: 1, constants: 1 }")).unwrap_or("");
    assert!(line.contains("tests/control.rs"), "{text}");
    assert!(
        text.contains("\n    | %2: f64[] = mul %0 %1 ") && text.contains("\n    |     |   %1: f64[] = cos %0"),
        "{text}"
    );
    assert!(tape.to_dot(&[a]).contains("mul %0 %1\\l"));
    // The second is found to be the first: it adds nothing to a program.
    let steps = |vars: &[Var<'_>]| tape.compile(&[x], vars).map(|program| program.to_string().matches("scan").count());
    assert_eq!((steps(&[a])?, steps(&[a, b, a + b])?), (1, 1));
    tape.check()
}

/// Prey and predators after a time of 4, by so many steps of the classic Runge-Kutta method, for rates p.
fn hunt(p: Var<'_>, steps: usize) -> Var<'_> {
    let [a, b, c, d] = std::array::from_fn(|i| p.select_axis(0, i as isize));
    let h = 4.0 / steps as f64;
    let start = [2.0, 1.0].map(|x| p.tape().full((), x));
    let field = |[x, y]: [_; 2]| [a * x - b * x * y, c * x * y - d * y];
    let step = |s: [_; 2], _| {
        let along = |k: [_; 2], part: f64| [s[0] + part * h * k[0], s[1] + part * h * k[1]];
        let k1 = field(s);
        let k2 = field(along(k1, 0.5));
        let k3 = field(along(k2, 0.5));
        let k4 = field(along(k3, 1.0));
        let next = |i: usize| s[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        ([next(0), next(1)], ())
    };
    Var::stack(&scan(step, start, steps).0, 0)
}

#[test]
fn ten_thousand_steps_are_as_few_equations_as_ten() -> Result<()> {
    let rates = Tensor::from([1.5, 1.0, 0.75, 3.0]);
    let equations = |steps| {
        let tape = Tape::new();
        let p = tape.input(&rates);
        let y = hunt(p, steps);
        let forward = tape.len();
        let slope = y.sum().grad(p);
        Ok::<_, wengert_tensor::Error>((forward, tape.len(), tape.finish(&[slope])?.swap_remove(0)))
    };
    let (few, many) = (equations(10)?, equations(10_000)?);
    assert_eq!((few.0, few.1), (many.0, many.1));
    assert!(many.0 < 120 && many.1 < 200, "{} and {} equations", many.0, many.1);
    // Fewer and longer steps find the same, to the order of the method.
    let shorter = equations(2_000)?.2;
    assert!(many.2.allclose(&shorter, 1e-9, 0.0)?, "{} {shorter}", many.2);
    let along = Tensor::from([1.0, -1.0, 0.5, 0.25]);
    let forwards = jvp(|p| hunt(p, 10_000).sum(), &rates, &along)?.1.item()?;
    let tape = Tape::new();
    let backwards = (tape.input(&many.2) * tape.input(&along)).sum().item()?;
    assert!((forwards - backwards).abs() < 1e-10 * backwards.abs(), "{forwards} {backwards}");
    Ok(())
}

#[test]
fn a_program_makes_what_is_read_of_a_loop_and_no_more() -> Result<()> {
    let [h, x, w] = &operands()?;
    let tape = Tape::new();
    let v @ [h, x, w] = [h, x, w].map(|x| tape.input(x));
    let (last, ys) = scan(|h, x| cell(h, x, w), h, x);
    let g = (last.square().sum() + ys.sum()).grads(&v);
    let steps = |outputs: &[Var<'_>]| -> Result<Vec<String>> {
        let program = tape.compile(&v, outputs)?.to_string();
        let sizes = program.lines().filter_map(|line| line.trim().strip_prefix("scan -> [")?.split(']').next());
        Ok(sizes.map(str::to_string).collect())
    };
    // The last of 6 states of 6 numbers; what is shown, 2 numbers a step; both.
    assert_eq!(steps(&[last])?, ["6"]);
    assert_eq!(steps(&[ys])?, ["10"]);
    assert_eq!(steps(&[last, ys])?, ["16"]);
    // All states for the way back, then cotangents of the state alone, of the sequence, of the matrix.
    assert_eq!(steps(&g[..1])?, ["36", "6"]);
    assert_eq!(steps(&g[1..2])?, ["36", "30"]);
    assert_eq!(steps(&g[2..])?, ["36", "9"]);
    assert_eq!(steps(&g)?, ["36", "45"]);
    // The interpreter makes everything, to the same bits.
    let all = [last, ys, g[0], g[1], g[2]];
    let together = tape.finish(&all)?;
    for (i, var) in all.iter().enumerate() {
        assert_eq!(tape.finish(&[*var])?[0], together[i]);
    }
    assert_eq!(tape.evaluate(&all)?, together);
    // Branches and loops that end by a test, too.
    let (a, b) = cond(tape.full((), true), |h| (h, x), |h| (-h, x * 2.0), h);
    let (c, _) = while_loop(|(a, _)| a.sum().less(0.0), |(a, b)| (a + 1.0, b * a), (a, b.select_axis(0, 0)));
    let text = tape.compile(&v, &[c])?.to_string();
    assert!(text.contains("while_loop -> [6]") && text.contains("cond -> [6]"), "{text}");
    Ok(())
}

/// A maximum, a count and what the row is less its mean, of every row.
fn of_rows<'t>(x: Var<'t>) -> (Var<'t>, Var<'t>, Var<'t>) {
    let one = |(), x: Var<'t>| {
        let far = x - x.mean();
        ((), (x.max(), x.greater(0.0).cast(DType::I64).sum(), far * far.exp()))
    };
    scan(one, (), x).1
}

#[test]
fn steps_that_carry_nothing_are_shared_by_threads_with_the_same_bits() -> Result<()> {
    for (rows, cols) in [(0, 5), (1, 40_000), (2, 20_000), (7, 9_001), (401, 100), (50, 0)] {
        let x = random(&[rows, cols], 7)?;
        let by = |threads| {
            wengert_tensor::set_threads(threads);
            let tape = Tape::new();
            let v = tape.input(&x);
            let (most, count, far) = of_rows(v);
            let bar = far.sum().grad(v);
            tape.finish(&[most, count, far, bar])
        };
        if cols > 0 {
            let one = by(1)?;
            assert_eq!(one[2].shape()[..], [rows, cols]);
            assert!(
                [2, 3, 16]
                    .into_iter()
                    .try_fold(true, |same, n| Ok::<_, wengert_tensor::Error>(same && by(n)? == one))?
            );
        } else {
            assert!(by(1).is_err() && by(3).is_err(), "there is no maximum of nothing");
        }
    }
    // The first step that fails is told of, whoever runs it.
    let table = random(&[4], 1)?;
    let places = Tensor::from_vec(
        (0..60_000_i64).map(|i| i / 1000 - 30).map(|i| if i > 0 { 9 } else { 0 }).collect(),
        [60, 1000],
    )?;
    for threads in [1, 3, 2] {
        wengert_tensor::set_threads(threads);
        let tape = Tape::new();
        let (table, places) = (tape.input(&table), tape.input(&places));
        let ((), found) = scan(|(), at| ((), table.index_select(0, at)), (), places);
        let error = found.value().unwrap_err();
        assert!(error.sentence().contains("step 31"), "{error}");
    }
    wengert_tensor::set_threads(0);
    Ok(())
}
