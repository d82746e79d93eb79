//! Depth costs no stack, and time in proportion: chains of equations through everything that walks over a tape.

use std::thread;
use std::time::{Duration, Instant};

use wengert_autograd::transform::{batched, pushforward};
use wengert_autograd::{Tape, Var, checkpoint, linearize, remat};
use wengert_tensor::{Result, Tensor};

/// Less than a frame for every equation of even the shortest chain here would take.
const STACK: usize = 512 << 10;

/// x ↦ sin(1.000001 x), done again and again: two equations and a constant each time.
fn chain(x: Var<'_>, steps: usize) -> Var<'_> {
    (0..steps).fold(x, |x, _| (x * 1.000001).sin())
}

/// The chain and its derivative in plain numbers.
fn plain(steps: usize) -> (f64, f64) {
    let (mut z, mut dz) = (1.0f64, 1.0f64);
    for _ in 0..steps {
        dz *= 1.000001 * (z * 1.000001).cos();
        z = (z * 1.000001).sin();
    }
    (z, dz)
}

#[track_caller]
fn close(a: &Tensor, b: f64) {
    let a = a.sum().unwrap().item().unwrap();
    assert!((a - b).abs() <= 1e-11 * b.abs(), "{a} and {b}");
}

/// Records, transforms, runs both ways and drops chains of so many steps; the time that each part takes.
fn everything(steps: usize) -> Result<Vec<(&'static str, Duration)>> {
    let ((z, dz), one) = (plain(steps), Tensor::from(1.0));
    let mut times = Vec::new();
    let mut timed = |name, part: &dyn Fn() -> Result<()>| -> Result<()> {
        let start = Instant::now();
        part()?;
        times.push((name, start.elapsed()));
        Ok(())
    };
    timed("reverse mode, by a program", &|| {
        let tape = Tape::new();
        let x = tape.input(&one);
        let y = chain(x, steps);
        let values = tape.finish(&[y, y.grad(x)])?;
        close(&values[0], z);
        close(&values[1], dz);
        Ok(())
    })?;
    timed("forward mode, one equation after another", &|| {
        let tape = Tape::new();
        let x = tape.input(&one);
        let dy = pushforward(&[chain(x, steps)], &[x], &[Some(x.full_like(1.0))])[0];
        close(&dy.map_or(x, |dy| dy).value()?, dz);
        Ok(())
    })?;
    timed("a batch, checked and printed", &|| {
        let tape = Tape::new();
        let x = tape.input(&one);
        let all = batched(&[chain(x, steps)], &[x], &[tape.input(&Tensor::from([1.0, 1.0]))], 2)[0];
        close(&all.value()?, 2.0 * z);
        tape.check()?;
        assert_eq!(tape.to_string().lines().count(), tape.len());
        Ok(())
    })?;
    timed("within a budget", &|| {
        let tape = Tape::new();
        let x = tape.input(&one);
        let y = remat(|x| chain(x, steps), x, 0);
        close(&tape.finish(&[y.grad(x)])?[0], dz);
        Ok(())
    })?;
    timed("a checkpoint, and a linear map", &|| {
        let tape = Tape::new();
        let x = tape.input(&one);
        close(&tape.finish(&[checkpoint(|x| chain(x, steps), x).grad(x)])?[0], dz);
        let (_, map) = linearize(|x| chain(x, steps), &one)?;
        close(&map.apply(&one)?, dz);
        close(&map.transpose(&one)?[0], dz);
        Ok(())
    })?;
    Ok(times)
}

fn on_a_small_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new().stack_size(STACK).spawn(f).unwrap().join().unwrap()
}

#[test]
fn long_chains_need_no_stack() -> Result<()> {
    on_a_small_stack(|| everything(20_000)).map(|_| ())
}

/// `cargo test --release --test depth -- --ignored --nocapture`, on a machine at rest.
#[test]
#[ignore = "takes a minute, and looks at the clock"]
fn a_million_equations_take_time_in_proportion() -> Result<()> {
    let (short, long) = on_a_small_stack(|| (everything(10_000), everything(100_000)));
    let times: Vec<_> = short?.into_iter().zip(long?).map(|((name, short), (_, long))| (name, short, long)).collect();
    times.iter().for_each(|(name, short, long)| println!("{name}: {short:.1?} and {long:.1?}"));
    for (name, short, long) in times {
        assert!(long < 25 * short, "{name}: {short:?} for a tenth, {long:?} for all");
    }
    Ok(())
}
