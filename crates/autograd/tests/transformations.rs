//! What the transformations promise together: any order, nesting, errors in place of lost gradients.

use wengert_autograd::transform::{batched, pullback, pushforward};
use wengert_autograd::{Tape, Var, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp, vmap};
use wengert_tensor::{ErrorKind, Result, Tensor};

fn close(a: &Tensor, b: &Tensor) {
    assert!(a.allclose(b, 1e-10, 1e-12).unwrap(), "{a}\nand\n{b}");
}

/// x^5 differentiated n times at 2, each time by a `grad` inside a `grad`.
fn nth(x: Var<'_>, n: u32) -> Var<'_> {
    match n {
        0 => x * x * x * x * x,
        _ => grad(|x| nth(x, n - 1).sum(), x),
    }
}

#[test]
fn derivatives_of_any_order() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from(2.0));
    let values: Vec<f64> = (0..=6).map(|n| nth(x, n).item().unwrap_or(f64::NAN)).collect();
    assert_eq!(values[..6], [32.0, 80.0, 160.0, 240.0, 240.0, 120.0]);
    // The fifth derivative is constant: a gradient of it is an error, not a zero.
    assert!(values[6].is_nan());
    assert_eq!(nth(x, 6).value().unwrap_err().kind(), ErrorKind::Gradient);
    tape.check()
}

#[test]
fn a_hessian_is_what_hvp_and_nested_grads_say() -> Result<()> {
    fn f(x: Var<'_>) -> Var<'_> {
        (x.sin() * (x * x).sum()).sum().exp()
    }
    let (x, v) = (Tensor::from([0.1, -0.2, 0.3]), Tensor::from([1.0, 0.5, -2.0]));
    let h = hessian(f, &x)?;
    close(&h, &h.t());
    close(&h.matmul(&v.reshape([3, 1])?)?.flatten()?, &hvp(f, &x, &v)?);
    close(&h, &jacobian(|x| grad(f, x), &x)?);
    // Reverse over reverse.
    close(&hvp(f, &x, &v)?, &grad(|x| (grad(f, x) * x.tape().input(&v)).sum(), &x)?);
    // Forward over forward: v' H v.
    let (_, second) = jvp(|x| jvp(f, x, x.tape().input(&v)).1, &x, &v)?;
    let tape = Tape::new();
    let quadratic = (tape.input(&hvp(f, &x, &v)?) * tape.input(&v)).sum();
    close(&second, &quadratic.value()?);
    Ok(())
}

#[test]
fn hessians_of_several_arguments_come_in_blocks() -> Result<()> {
    let (a, b) = (Tensor::from([1.0, 2.0]), Tensor::from([[3.0], [4.0], [5.0]]));
    // Linear in b: its block with itself is zero, and nothing is wrong with that.
    let [[aa, ab], [ba, bb]] = hessian(|[a, b]| (a * a).sum() * b.sum(), [&a, &b])?;
    close(&aa, &Tensor::from([[24.0, 0.0], [0.0, 24.0]]));
    assert_eq!((&ab.shape()[..], &ba.shape()[..]), (&[2, 3, 1][..], &[3, 1, 2][..]));
    close(&ab.reshape([2, 3])?, &ba.reshape([3, 2])?.t());
    assert_eq!(bb, Tensor::zeros([3, 1, 3, 1], b.dtype())?);
    Ok(())
}

#[test]
fn jacobians_agree_in_both_modes() -> Result<()> {
    // Wide and tall functions of the same matrix: one goes backwards, the other forwards.
    let x = Tensor::from([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]);
    let wide = jacobian(|x| x.sin().matmul(x.t()).sum_axes(0), &x)?;
    let tall = jacobian(|x| x.sin().matmul(x.t()).sum_axes(0).broadcast_to([7, 2]), &x)?;
    assert_eq!((&wide.shape()[..], &tall.shape()[..]), (&[2, 2, 3][..], &[7, 2, 2, 3][..]));
    for i in 0..7 {
        close(&tall.select_axis(0, i)?, &wide);
    }
    let [by_x, by_y] = jacobian(|[x, y]| x * y, [&Tensor::from([2.0, 3.0]), &Tensor::from([5.0, 7.0])])?;
    close(&by_x, &Tensor::from([[5.0, 0.0], [0.0, 7.0]]));
    close(&by_y, &Tensor::from([[2.0, 0.0], [0.0, 3.0]]));
    Ok(())
}

#[test]
fn vmap_nests_and_goes_through_gradients() -> Result<()> {
    let (a, b) = (Tensor::from([1.0, 2.0, 3.0]), Tensor::from([10.0, 20.0]));
    let outer = vmap(|a| vmap(|b| a * b, a.tape().input(&b)), &a)?;
    close(&outer, &Tensor::from([[10.0, 20.0], [20.0, 40.0], [30.0, 60.0]]));

    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]]);
    let w = Tensor::from([0.5, -1.0]);
    let per_example = vmap(|x| grad(|w| ((w * x).sum() - 1.0).sin(), x.tape().input(&w)), &x)?;
    for i in 0..3 {
        let row = x.select_axis(0, i)?;
        close(&per_example.select_axis(0, i)?, &grad(|w| ((w * w.tape().input(&row)).sum() - 1.0).sin(), &w)?);
    }
    // What does not depend on the argument is repeated.
    assert_eq!(vmap(|x| x.tape().input(&w), &x)?.shape()[..], [3, 2]);
    assert_eq!(vmap(|x| x * 2.0, &Tensor::zeros([0, 4], x.dtype())?)?.shape()[..], [0, 4]);
    Ok(())
}

#[test]
fn every_form_of_arguments() -> Result<()> {
    let (x, y, z) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0, 4.0]), Tensor::from([5.0, 6.0]));
    let [ax, ay] = grad(|[x, y]| (x * x * y).sum(), [&x, &y])?;
    let (bx, by) = grad(|(x, y)| (x * x * y).sum(), (&x, &y))?;
    let cs = grad(|v| (v[0] * v[0] * v[1]).sum(), vec![&x, &y])?;
    assert_eq!((&ax, &ay), (&bx, &by));
    assert_eq!((&ax, &ay), (&cs[0], &cs[1]));
    let (value, (gx, _, gz)) = value_and_grad(|(x, y, z)| (x * y * z).sum(), (&x, &y, &z))?;
    assert_eq!((value.item()?, gx, gz), (63.0, Tensor::from([15.0, 24.0]), Tensor::from([3.0, 8.0])));
    let (product, [xbar, _]) = vjp(|[x, y]| x * y, [&x, &y], &z)?;
    assert_eq!((product, xbar), (Tensor::from([3.0, 8.0]), Tensor::from([15.0, 24.0])));
    Ok(())
}

#[test]
fn a_lost_gradient_is_an_error_that_says_why() {
    let x = Tensor::from([1.0, 2.0]);
    let unrelated = grad(|[x, _]| x.sum(), [&x, &x]).unwrap_err();
    assert!(unrelated.to_string().contains("does not depend on argument 1"), "{unrelated}");
    assert!(unrelated.to_string().contains("transformations.rs"), "{unrelated}");
    let detached = grad(|x| x.detach().sum(), &x).unwrap_err();
    assert!(detached.to_string().contains("only through detach at"), "{detached}");
    let vector = grad(|x| x * x, &x).unwrap_err();
    assert!(vector.to_string().contains("of a single float, not of f64[2]"), "{vector}");
    let integers = grad(|x| x.sum(), &Tensor::from([1i64, 2])).unwrap_err();
    assert!(integers.to_string().contains("only floats have derivatives"), "{integers}");
    for error in [unrelated, detached, vector, integers] {
        assert_eq!(error.kind(), ErrorKind::Gradient);
    }
    assert!(jvp(|x| x.detach(), &x, &x).is_err() && vjp(|x| x.detach(), &x, &x).is_err());
    assert!(jacobian(|x| x.detach(), &x).is_err() && hessian(|x| x.detach().sum(), &x).is_err());
}

#[test]
fn what_is_detached_counts_as_a_constant() -> Result<()> {
    let x = Tensor::from([3.0]);
    assert_eq!(grad(|x| (x * x.detach()).sum(), &x)?, Tensor::from([3.0]));
    assert_eq!(vmap(|x| x.detach() * x, &x)?, Tensor::from([9.0]));
    Ok(())
}

#[test]
fn cotangents_and_tangents_of_the_wrong_type_are_errors() {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([1.0, 2.0]));
    let y = x * x;
    let wrong = tape.input(&Tensor::from([1.0]));
    assert!(pullback(&[y], &[Some(wrong)], &[x])[0].unwrap().value().is_err());
    assert!(pushforward(&[y], &[x], &[Some(wrong)])[0].unwrap().value().is_err());
}

#[test]
fn a_variable_between_gets_its_own_gradient() -> Result<()> {
    let tape = Tape::new();
    let a = tape.input(&Tensor::from(2.0));
    let b = a * a;
    let y = a * b;
    let g = y.grads(&[a, b, y]);
    let values: Vec<f64> = g.iter().map(|g| g.item()).collect::<Result<_>>()?;
    assert_eq!(values, [12.0, 2.0, 1.0]);
    Ok(())
}

#[test]
fn transformations_append_and_never_edit() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, -4.0]]));
    let y = (x.matmul(x.t()).sin() * x).sum();
    let lines = || -> Vec<String> {
        tape.to_string().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let before = lines();
    let g = y.grad(x);
    pushforward(&[g], &[x], &[Some(x)]);
    jacobian(|x| x * x, x);
    vmap(|x| x.exp(), x);
    let after = lines();
    assert!(after.len() > before.len());
    assert_eq!(after[..before.len()], before);
    tape.check()
}

#[test]
fn arguments_are_independent_and_captured_variables_constant() -> Result<()> {
    let (two, three) = (Tensor::from(2.0), Tensor::from(3.0));
    // d/dx (x d/dy (x y)) at y = x is 2 x: the inner derivative takes the outer x for a constant.
    assert_eq!(grad(|x| x * grad(|y| x * y, x), &three)?, Tensor::from(6.0));
    assert_eq!(jvp(|x| x * jvp(|y| x * y, x, x.full_like(1.0)).1, &three, &Tensor::from(1.0))?.1, Tensor::from(6.0));

    let tape = Tape::new();
    let x = tape.input(&two);
    fn f<'t>([a, b]: [Var<'t>; 2]) -> Var<'t> {
        a * a * b
    }
    for b in [x, x * 1.5] {
        let at = [x.value()?, b.value()?];
        let at = [&at[0], &at[1]];
        let (tangents, one) = ([x, x * x], tape.input(&Tensor::from(1.0)));
        let fixed = [tangents[0].value()?, tangents[1].value()?];
        for (here, there) in grad(f, [x, b]).iter().zip(&grad(f, at)?) {
            close(&here.value()?, there);
        }
        close(&jvp(f, [x, b], tangents).1.value()?, &jvp(f, at, [&fixed[0], &fixed[1]])?.1);
        close(&vjp(f, [x, b], one).1[0].value()?, &vjp(f, at, &Tensor::from(1.0))?.1[0]);
        close(&hvp(f, [x, b], tangents)[0].value()?, &hvp(f, at, [&fixed[0], &fixed[1]])?[0]);
        for (here, there) in hessian(f, [x, b]).iter().flatten().zip(hessian(f, at)?.iter().flatten()) {
            close(&here.value()?, there);
        }
        for (here, there) in jacobian(f, [x, b]).iter().zip(&jacobian(f, at)?) {
            close(&here.value()?, there);
        }
    }
    // What is differentiated at a variable still depends on it.
    assert_eq!(grad(f, [x, x])[0].grad(x).item()?, 8.0);
    tape.check()
}

#[test]
fn variables_of_two_tapes_are_not_transformed_together() {
    let (here, there) = (Tape::new(), Tape::new());
    let one = Tensor::from(1.0);
    let near = here.input(&one).exp();
    let far = (0..9).fold(there.input(&one), |x, _| x.exp());
    for (x, y) in [(near, far), (far, near)] {
        let mistakes = [
            y.grad(x),
            pullback(&[y], &[Some(y)], &[x])[0].unwrap(),
            pushforward(&[y], &[x], &[Some(x)])[0].unwrap(),
            batched(&[y], &[x], &[x.unsqueeze(0)], 1)[0],
            jvp(|x| x * y, x, x).1,
        ];
        for mistake in mistakes {
            let error = mistake.value().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Tape, "{error}");
            assert!(error.to_string().contains("transformations.rs"), "{error}");
        }
        assert!(y.tape().eqn(x).is_none());
    }
}

#[test]
fn every_result_has_a_cotangent_and_every_argument_a_tangent() {
    let x = Tensor::from(1.0);
    let tape = Tape::new();
    let v = tape.input(&x);
    let cotangents = pullback(&[v.exp(), v.sin()], &[Some(v)], &[v])[0].unwrap().value().unwrap_err();
    assert!(cotangents.to_string().starts_with("vjp: 1 cotangents for 2 results, at "), "{cotangents}");
    let tangents = jvp(|x| x[0] * x[1], vec![&x, &x], vec![&x]).unwrap_err();
    assert!(tangents.to_string().starts_with("jvp: 1 tangents for 2 arguments, at "), "{tangents}");
}

#[test]
fn functions_of_no_arguments_have_no_derivatives() -> Result<()> {
    let none = || Vec::<&Tensor>::new();
    fn f(x: Vec<Var<'_>>) -> Var<'_> {
        Var::concat(&x, 0)
    }
    // What the closure did wrong is said, though the variable is not of the function's tape.
    assert_eq!(vmap(|x| Var::concat(&[x; 0], 0), &Tensor::from([1.0])).unwrap_err().kind(), ErrorKind::Shape);
    assert!(grad(f, none())?.is_empty() && hvp(f, none(), none())?.is_empty());
    assert!(jacobian(f, none())?.is_empty() && hessian(f, none())?.is_empty());
    Ok(())
}

#[test]
fn what_a_transformation_records_names_the_callers_line() {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([1.0, 2.0]));
    let constant = x.sum();
    vmap(|_| constant, x);
    vmap(|x| x.exp(), x);
    pullback(&[constant, constant], &[Some(constant), Some(constant)], &[x]);
    hvp(|x| x.sum(), x, x);
    hessian(|x| x.sum(), x);
    for line in tape.to_string().lines() {
        assert!(line.contains("transformations.rs:"), "{line}");
    }
}

#[test]
fn cotangents_of_several_results_meet_in_the_arguments() -> Result<()> {
    let (x, w) = (Tensor::from([0.5, -1.0]), Tensor::from([2.0, 3.0]));
    let (ybar, zbar) = (Tensor::from([1.0, -2.0]), Tensor::from(0.25));
    let ([y, z], [xbar, wbar]) = vjp(|[x, w]| [(x * w).sin(), (x * x * w).sum()], [&x, &w], [&ybar, &zbar])?;
    // The same as one number.
    let expected = grad(
        |[x, w]| {
            let tape = x.tape();
            ((x * w).sin() * tape.input(&ybar)).sum() + (x * x * w).sum() * tape.input(&zbar)
        },
        [&x, &w],
    )?;
    close(&xbar, &expected[0]);
    close(&wbar, &expected[1]);
    close(&y, &vjp(|[x, w]| (x * w).sin(), [&x, &w], &ybar)?.0);
    close(&z, &Tensor::from(0.25 * 2.0 + 3.0));
    // One argument may reach one result only; a list has as many cotangents as results.
    let (_, [xbar, _]) = vjp(|[x, w]| vec![x * 2.0, w * 3.0], [&x, &w], vec![&ybar, &ybar])?;
    close(&xbar, &Tensor::from([2.0, -4.0]));
    let few = vjp(|x| vec![x, x], &x, vec![&ybar]).unwrap_err();
    assert!(few.to_string().starts_with("vjp: 1 cotangents for 2 results, at "), "{few}");
    let none = vjp(|[x, _]| (x, x.exp()), [&x, &w], (&ybar, &ybar)).unwrap_err();
    assert!(none.to_string().contains("vjp: the result does not depend on argument 1"), "{none}");
    // At variables, and again differentiable.
    let tape = Tape::new();
    let v = tape.input(&x);
    let ((a, b), vbar) = vjp(|v| (v.exp(), v.square()), v, (v, v));
    close(&vbar.value()?, &(v * a + 2.0 * v * v).value()?);
    close(&vbar.sum().grad(v).value()?, &(a + v * a + 4.0 * v).value()?);
    close(&b.value()?, &(v * v).value()?);
    tape.check()
}

#[test]
fn a_jacobian_goes_the_shorter_way_and_a_hessian_forward_over_reverse() {
    let tape = Tape::new();
    let narrow = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
    let wide = tape.input(&Tensor::from([[0.5; 3]; 7]));
    let recorded = |f: &dyn Fn()| {
        let before = tape.len();
        f();
        tape.to_string().lines().skip(before).map(str::to_string).collect::<Vec<_>>().join("\n")
    };
    // Forward: one tangent for each of three elements; nothing has an axis for seven results.
    let forward = recorded(&|| {
        jacobian(|x| wide.matmul(x.unsqueeze(-1)).squeeze(-1).sin(), narrow);
    });
    assert!(forward.contains("f64[3, 7, 1]") && !forward.contains("f64[7, 7"), "{forward}");
    // Reverse: one cotangent for each of three results; nothing has an axis for twenty-one elements.
    let reverse = recorded(&|| {
        jacobian(|w| w.sin().sum_axes(0), wide);
    });
    assert!(reverse.contains("f64[3, 7, 3]") && !reverse.contains("f64[21"), "{reverse}");
    // All columns of the Hessian at once: as many equations for three elements as for a thousand.
    let lines = |x: Var<'_>| {
        let hessian = recorded(&|| {
            hessian(|x| (x * x * x).sum(), x);
        });
        hessian.lines().count()
    };
    assert_eq!(lines(narrow), lines(tape.full([1000], 0.5)));
}

#[test]
fn every_function_says_what_stands_in_the_way() {
    let x = Tensor::from([1.0, 2.0]);
    let line = line!() + 2;
    fn detached(x: Var<'_>) -> Var<'_> {
        x.detach()
    }
    let errors = [
        grad(|x| detached(x).sum(), &x).map(|_| ()).unwrap_err(),
        value_and_grad(|x| detached(x).sum(), &x).map(|_| ()).unwrap_err(),
        jvp(detached, &x, &x).map(|_| ()).unwrap_err(),
        vjp(detached, &x, &x).map(|_| ()).unwrap_err(),
        jacobian(detached, &x).map(|_| ()).unwrap_err(),
        hessian(|x| detached(x).sum(), &x).map(|_| ()).unwrap_err(),
        hvp(|x| detached(x).sum(), &x, &x).map(|_| ()).unwrap_err(),
        wengert_autograd::linearize(detached, &x).map(|_| ()).unwrap_err(),
    ];
    let place = format!("only through detach at {}:{}:", file!(), line);
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Gradient);
        assert!(error.sentence().contains(&place), "{error}");
        assert!(error.location().is_some_and(|at| at.file() == file!()), "{error}");
    }
}

/// A step of a recurrence: the state, the matrix, the number of the step.
type Recurrence = for<'t> fn(Var<'t>, Var<'t>, usize) -> Var<'t>;

/// A recurrence from `x` on, by a matrix a step.
fn recurrence<'t>(step: Recurrence, x: Var<'t>, matrices: [Var<'t>; 4]) -> Var<'t> {
    matrices.into_iter().enumerate().fold(x, |state, (i, w)| step(state, w, i)).square().sum()
}

#[test]
fn cotangents_of_a_matrix_of_many_steps_are_one_product() -> Result<()> {
    // From the right, from the left, transposed, and mixed.
    let steps: [Recurrence; 5] = [
        |h, w, _| h.matmul(w).tanh(),
        |h, w, _| h.matmul(w.t()).tanh(),
        |h, w, _| w.matmul(h.t()).tanh().t(),
        |h, w, _| w.t().matmul(h.t()).tanh().t(),
        |h, w, i| if i % 2 == 0 { h.matmul(w).sin() } else { h.matmul(w.t() + w).tanh() },
    ];
    let numbers = |n: usize, by: f64| (0..n).map(|i| (i as f64 * by).sin()).collect::<Vec<_>>();
    let (x, w) = (Tensor::from_vec(numbers(12, 0.7), [2, 6])?, Tensor::from_vec(numbers(36, 1.3), [6, 6])?);
    for (k, step) in steps.into_iter().enumerate() {
        let both = |w: &Tensor| grad(|[x, w]| recurrence(step, x, [w; 4]), [&x, w]);
        let [xbar, wbar] = both(&w)?;
        // The same, where every step has a matrix of its own.
        let each = grad(|[x, a, b, c, d]| recurrence(step, x, [a, b, c, d]), [&x, &w, &w, &w, &w])?;
        close(&xbar, &each[0]);
        close(&wbar, &each[1].add(&each[2])?.add(&each[3])?.add(&each[4])?);

        let tape = Tape::new();
        let (v, m) = (tape.input(&x), tape.input(&w));
        let wbar = recurrence(step, v, [m; 4]).grad(m);
        tape.check()?;
        // Of the pullback: three for the states, and fewer than one a step for the matrix.
        let products = tape.to_string().matches("matmul").count() - 4;
        assert!(products < 3 + 4, "{k}: {products} products");
        // Differentiable again.
        let again = wbar.square().sum().grad(m).sum().item()?;
        let at = |by: f64| both(&w.add(&Tensor::full([6, 6], by)?)?)?[1].square()?.sum()?.item();
        let slope = (at(1e-5)? - at(-1e-5)?) / 2e-5;
        assert!((again - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{k}: {again} and {slope}");
    }
    Ok(())
}
