//! Looking at programs: the work that plans count, the time that profiles measure, and the traces they write.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use wengert_autograd::{Compiled, Cost, Profile, Tape, Var, compile, cond, scan};
use wengert_tensor::{Conv, DType, ErrorKind, Result, Rng, Tensor};

fn random(shape: &[usize], seed: u64) -> Result<Tensor> {
    Tensor::randn(shape, DType::F32, &mut Rng::seed(seed))
}

/// A layer with its loss and gradients: products, fused passes, a copy.
fn layer() -> Result<(Compiled, [Tensor; 2])> {
    let arguments = [random(&[50, 70], 1)?, random(&[70, 30], 2)?];
    let tape = Tape::new();
    let [x, w] = [0, 1].map(|i| tape.input(&arguments[i]));
    let loss = x.matmul(w).tanh().square().mean();
    let program = tape.compile(&[x, w], &[loss, loss.grad(w)])?;
    Ok((program, arguments))
}

fn profile(runs: usize) -> Result<Profile> {
    let (mut program, [x, w]) = layer()?;
    program.profile(&[&x, &w], runs)
}

/// The work of what computes `f` of inputs of these shapes.
fn cost<const N: usize>(shapes: [&[usize]; N], f: impl for<'t> Fn([Var<'t>; N]) -> Var<'t>) -> Result<Cost> {
    let tape = Tape::new();
    let mut x = Vec::new();
    for shape in shapes {
        x.push(tape.input(&random(shape, 1)?));
    }
    let y = f(std::array::from_fn(|i| x[i]));
    Ok(tape.compile(&x, &[y])?.cost())
}

fn of(read: u64, written: u64, flops: u64) -> Cost {
    Cost { read: 4 * read, written: 4 * written, flops }
}

#[test]
fn plans_count_what_moves_and_what_is_computed() -> Result<()> {
    // What is fused is read once, and what lies between leaves no trace.
    assert_eq!(cost([&[10, 20]], |[x]| x.sin() * x + 1.0)?, of(200, 200, 600));
    assert_eq!(cost([&[10, 20]], |[x]| (x * x).sum())?, of(200, 1, 400));
    assert_eq!(cost([&[10, 20], &[20]], |[x, b]| x + b)?, of(220, 200, 200));
    assert_eq!(cost([&[10, 20]], |[x]| x.sum_axes(1))?, of(200, 10, 200));
    assert_eq!(cost([&[3, 10, 20], &[3, 20, 5]], |[x, y]| x.matmul(y))?, of(600 + 300, 150, 2 * 3 * 10 * 20 * 5));
    let conv = cost([&[2, 4, 9, 9], &[6, 2, 3, 3]], |[x, w]| x.conv(w, &Conv::new(2).groups(2)))?;
    assert_eq!(conv, of(2 * 4 * 81 + 6 * 2 * 9, 2 * 6 * 49, 2 * (2 * 6 * 49) * (9 * 2)));
    // Views are free; a view that is an answer is its argument, and copies compute nothing.
    assert_eq!(cost([&[10, 20]], |[x]| x.t())?, Cost::default());
    assert_eq!(cost([&[10, 20]], |[x]| Var::concat(&[x, x], 0))?.flops, 0);
    assert_eq!(cost([&[0, 20]], |[x]| x.exp())?, Cost::default());
    // A loop is its body again and again; a branch is its dearer side.
    let steps = cost([&[3], &[7, 3]], |[h, x]| scan(|h, x| (h * x + 1.0, h), h, x).0)?;
    assert_eq!(steps.flops, 7 * 2 * 3);
    let branch = cost([&[3]], |[x]| cond(x.sum().less(0.0), |x: Var<'_>| x.sin(), |x| x.sin().cos(), x))?;
    assert_eq!(branch.flops, 3 + 1 + 6);
    Ok(())
}

#[test]
fn a_plan_shows_every_step_with_its_work_and_line() -> Result<()> {
    let (program, _) = layer()?;
    let plan = program.to_string();
    let lines: Vec<&str> = plan.lines().collect();
    let [head, steps @ ..] = &lines[..] else { panic!("{plan}") };
    let work = |line: &&str| line.contains(" -> [") && line.contains(" in slot ") && line.contains("FLOP  # ");
    assert!(steps.iter().all(|line| work(line) && line.contains("profile.rs:")), "{plan}");
    let matmul = "matmul -> [50, 30] in slot ";
    assert!(
        steps.iter().any(|line| line.contains(matmul) && line.contains("22.4 kB read, 6.00 kB written, 210 kFLOP"))
    );
    assert!(head.ends_with(&format!(" a run: {}", program.cost())), "{plan}");
    Ok(())
}

#[test]
fn profiled_runs_are_runs() -> Result<()> {
    let tape = Tape::new();
    let (x, sum) = (tape.input(&Tensor::from([1.0, 2.0])), tape.input(&Tensor::from([0.0, 0.0])));
    let mut add = tape.compile_with_states(&[x], &[sum * 2.0], &[(sum, sum + x)])?;
    let one = Tensor::from([1.0, 10.0]);
    let before = add.run(&[&one])?;
    add.profile(&[&one], 3)?;
    // The arguments of a profile may lie anywhere, too.
    add.profile(&[&Tensor::from([[1.0, 0.0], [10.0, 0.0]]).t().select_axis(0, 0)?], 1)?;
    assert_eq!(before, [Tensor::from([0.0, 0.0])]);
    assert_eq!(add.run(&[&one])?, [Tensor::from([10.0, 100.0])]);
    Ok(())
}

#[test]
fn times_add_up() -> Result<()> {
    let mut profile = profile(5)?;
    profile.append(self::profile(2)?)?;
    assert_eq!(profile.runs, 7);
    assert!(profile.steps.iter().all(|step| step.calls == 7));
    assert!((profile.steps.iter().map(|step| step.share).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(profile.time() > Duration::ZERO && profile.time() <= profile.elapsed);
    assert_eq!(profile.time(), profile.steps.iter().map(|step| step.time).sum());
    let (program, _) = layer()?;
    assert_eq!(profile.steps.iter().map(|step| step.cost).sum::<Cost>(), program.cost());
    for step in &profile.steps {
        let seconds = step.time.as_secs_f64();
        assert!((step.flops_per_second * seconds - (7 * step.cost.flops) as f64).abs() < 1.0, "{step:?}");
        assert!((step.bytes_per_second * seconds - (7 * step.cost.bytes()) as f64).abs() < 1.0, "{step:?}");
    }
    Ok(())
}

#[test]
fn the_table_names_every_step_the_longest_first() -> Result<()> {
    let profile = profile(3)?;
    let table = profile.to_string();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), profile.steps.len() + 1);
    let mut sorted: Vec<_> = profile.steps.iter().collect();
    sorted.sort_by_key(|step| std::cmp::Reverse(step.time));
    for (row, step) in rows.iter().zip(sorted) {
        assert!(row.contains(&format!("  {} -> ", step.name)) && row.ends_with(&step.at), "{table}");
        assert!(step.at.contains("profile.rs:"), "{table}");
    }
    assert!(table.trim_end().ends_with("total") && table.contains("100.0%"), "{table}");
    Ok(())
}

#[test]
fn traces_are_json_and_their_events_follow_each_other() -> Result<()> {
    let directory = std::env::temp_dir().join(format!("wengert-profile-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("trace.json");
    fs::write(&path, "something older").unwrap();
    let mut profile = profile(3)?;
    profile.append(self::profile(2)?)?;
    // Names are the user's, too.
    profile.steps[0].name = "odd \"name\" \\ \n\u{1} é".into();
    profile.write_trace(&path)?;
    // No other file is left behind.
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);

    let trace: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let calls: Vec<&Value> =
        trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(calls.len(), 5 * profile.steps.len());
    let mut end = 0.0;
    for (i, call) in calls.iter().enumerate() {
        let step = &profile.steps[i % profile.steps.len()];
        assert_eq!(call["name"], step.name);
        assert_eq!(call["args"]["at"], step.at);
        assert_eq!(call["args"]["run"], i / profile.steps.len());
        assert_eq!(call["args"]["flops"], step.cost.flops);
        let (start, time) = (call["ts"].as_f64().unwrap(), call["dur"].as_f64().unwrap());
        assert!(start >= end - 1e-6, "{start} after {end}");
        end = start + time;
    }
    let time: f64 = calls.iter().filter_map(|call| call["dur"].as_f64()).sum();
    assert!((time - profile.time().as_nanos() as f64 / 1000.0).abs() < 1e-3);
    fs::remove_dir_all(&directory).unwrap();
    Ok(())
}

#[test]
fn mistakes_are_errors() -> Result<()> {
    let (mut program, [x, w]) = layer()?;
    assert_eq!(program.profile(&[&x, &w], 0).unwrap_err().sentence(), "profile: takes 1 run at least, got 0");
    assert!(program.profile(&[&x], 1).unwrap_err().sentence().contains("1 arguments for a program of 2"));
    let mut profile = program.profile(&[&x, &w], 1)?;
    let mut f = compile(|[x]| [x.sin()]);
    assert!(profile.append(f.profile([&x], 1)?).is_err());

    let directory = std::env::temp_dir();
    for path in [directory.join("wengert-no-such-directory").join("trace.json"), directory.join(".."), directory] {
        let error = profile.write_trace(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.sentence().starts_with(&format!("write_trace: {}: ", path.display())), "{error}");
    }
    Ok(())
}

#[test]
fn a_program_of_no_steps_has_a_profile() -> Result<()> {
    let x = random(&[3], 1)?;
    let profile = compile(|[x]| [x]).profile([&x], 2)?;
    assert!(profile.steps.is_empty() && profile.to_string().trim_end().ends_with("total"));
    Ok(())
}

#[test]
fn a_kernel_that_refuses_ends_a_profile_and_not_the_program() -> Result<()> {
    let (x, bad, good) = (random(&[4], 1)?, Tensor::from([9i64]), Tensor::from([2i64]));
    let mut pick = compile(|[x, i]| [(x * 2.0).index_select(0, i)]);
    assert!(pick.profile([&x, &bad], 3).unwrap_err().to_string().contains("profile.rs:"));
    assert_eq!(pick.profile([&x, &good], 3)?.runs, 3);
    assert_eq!(pick.run([&x, &good])?[0], Tensor::from([2.0 * x.to_vec::<f32>()?[2]]));
    Ok(())
}
