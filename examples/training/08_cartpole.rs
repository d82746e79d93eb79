//! Balancing a pole on a cart, learned from nothing but how long it stays up.
//!
//! The gradient is REINFORCE's with a baseline (R. J. Williams, "Simple statistical gradient-following algorithms for
//! connectionist reinforcement learning", Machine Learning 8, 1992): the baseline is a second network that learns what
//! return to expect of a state.

use std::collections::VecDeque;
use std::process::ExitCode;

use clap::Parser;
use wengert::prelude::*;
use wengert_train::{CsvLog, Log, Report, Snapshot, save};
use wengert_training_examples::{CartPole, Run, at_least, curves, exit};

/// Learns to balance a pole on a cart.
#[derive(Debug, Parser)]
#[command(name = "cartpole")]
struct Options {
    #[command(flatten)]
    run: Run,
    /// Updates of the networks
    #[arg(long, default_value_t = 300)]
    updates: u64,
    /// Episodes of each update, which are played side by side
    #[arg(long, default_value_t = 8)]
    episodes: usize,
    /// Steps after which an episode ends though the pole stands
    #[arg(long, default_value_t = 500)]
    steps: usize,
    /// The discount of later rewards
    #[arg(long, default_value_t = 0.99)]
    discount: f64,
    /// Width of the networks' hidden layer
    #[arg(long, default_value_t = 64)]
    hidden: usize,
    /// The learning rate at first, which falls to a twentieth
    #[arg(long, default_value_t = 1e-2)]
    lr: f64,
}

/// The player, and what it expects.
#[derive(Module)]
struct Agent {
    /// From a state to the logit of a push to the right.
    policy: Mlp,
    /// From a state to its return, in parts of the largest one.
    value: Mlp,
}

impl Agent {
    fn new(options: &Options) -> Result<Self> {
        let rng = &mut Rng::seed(options.run.seed);
        let sizes = [4, options.hidden, 1];
        let mut mlp = || Ok::<_, Error>(Mlp::new(&sizes, Activation::Tanh, rng)?.with_output(Activation::Identity));
        Ok(Self { policy: mlp()?, value: mlp()? })
    }
}

/// What was seen and done in episodes, and what came of it.
struct Played {
    /// `[steps, 4]`
    states: Tensor,
    /// `[steps, 1]`: 1 for a push to the right.
    pushes: Tensor,
    /// `[steps, 1]`: the discounted number of steps that followed, in parts of the largest one.
    returns: Tensor,
    /// The length of each episode.
    lengths: Vec<usize>,
}

fn main() -> ExitCode {
    exit(run(Options::parse()))
}

fn run(mut options: Options) -> Result<()> {
    if options.run.small {
        options.updates = options.updates.min(25);
    }
    let folder = options.run.folder("cartpole")?;
    let agent = Agent::new(&options)?;
    let mut train = Train::new(&agent, Adam::new(options.lr)).clip_norm(1.0);
    let snapshots = options.run.snapshots(&folder)?;
    let mut last: VecDeque<f64> = VecDeque::new();
    if options.run.resume
        && let Some((update, snapshot)) = snapshots.latest()?.snapshot
    {
        snapshot.restore(&agent, &mut train)?;
        let lengths = snapshot.notes.get("last").map_or("", String::as_str);
        last.extend(lengths.split_whitespace().filter_map(|length| length.parse::<f64>().ok()));
        println!("going on after update {update}");
    }

    let mut log = CsvLog::new(folder.join("log.csv"));
    log.resume(train.steps())?;
    let rate = Schedule::linear(options.lr, 0.05 * options.lr, options.updates);
    while train.steps() < options.updates {
        // The numbers of an update depend on the seed and its place alone, so that a resumed run has the same.
        let update = train.steps();
        let mut rng = Rng::seed(options.run.seed.wrapping_mul(1_000_003).wrapping_add(update));
        let played = play(&agent, &options, &mut rng)?;
        train.set_lr(rate.at(update));
        let loss = learn(&agent, &mut train, &played)?;

        last.extend(played.lengths.iter().map(|&length| length as f64));
        while last.len() > 50 {
            last.pop_front();
        }
        let mean = mean(&last);
        log.report(&Report::new(update + 1, 0).with("loss", loss).with("mean_return", mean))?;
        if (update + 1).is_multiple_of(10) || update + 1 == options.updates {
            println!("update {}: the mean return of the last {} episodes is {mean:.1}", update + 1, last.len());
            let mut snapshot = Snapshot::of(&agent, &train)?;
            let lengths: Vec<String> = last.iter().map(f64::to_string).collect();
            snapshot.notes.insert("last".to_string(), lengths.join(" "));
            snapshots.save(update + 1, &snapshot)?;
        }
    }
    curves(&folder, "steps of an episode, over the last 50", &["mean_return"])?;
    save(folder.join("agent.safetensors"), &agent.state())?;
    let share = if options.run.small { 0.1 } else { 0.95 };
    at_least("the mean return of the last 50 episodes", mean(&last), share * options.steps as f64)
}

fn mean(numbers: &VecDeque<f64>) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Plays episodes side by side. A step's push is drawn with the policy's probability.
fn play(agent: &Agent, options: &Options, rng: &mut Rng) -> Result<Played> {
    let mut carts = (0..options.episodes).map(|_| CartPole::start(rng)).collect::<Result<Vec<_>>>()?;
    let mut episodes: Vec<Vec<([f64; 4], bool)>> = vec![Vec::new(); carts.len()];
    for _ in 0..options.steps {
        if carts.iter().all(CartPole::is_over) {
            break;
        }
        let states: Vec<f32> = carts.iter().flat_map(|cart| cart.state).map(|x| x as f32).collect();
        let chances = agent.policy.predict(&Tensor::from_vec(states, [carts.len(), 4])?)?.sigmoid()?.to_vec::<f32>()?;
        let draws = Tensor::uniform([carts.len()], 0.0, 1.0, DType::F32, rng)?.to_vec::<f32>()?;
        for (((cart, episode), chance), draw) in carts.iter_mut().zip(&mut episodes).zip(chances).zip(draws) {
            // The state stays as it is where the episode is over.
            if !cart.is_over() {
                episode.push((cart.state, draw < chance));
                cart.push(draw < chance);
            }
        }
    }
    let (mut states, mut pushes, mut returns) = (Vec::new(), Vec::new(), Vec::new());
    for (cart, episode) in carts.iter().zip(&episodes) {
        // Of an episode that was broken off, what is expected of its last state counts for the rest.
        let last = Tensor::from([cart.state]).cast(DType::F32)?;
        let rest = if cart.is_over() { 0.0 } else { agent.value.predict(&last)?.item()?.clamp(0.0, 1.0) };
        for (i, (state, right)) in episode.iter().enumerate() {
            states.extend(state.map(|x| x as f32));
            pushes.push(f32::from(*right));
            // 1 + d + d² + … over the steps that followed, in parts of the sum without an end, and d^n of the rest.
            returns.push((1.0 - options.discount.powi((episode.len() - i) as i32) * (1.0 - rest)) as f32);
        }
    }
    let n = pushes.len();
    Ok(Played {
        states: Tensor::from_vec(states, [n, 4])?,
        pushes: Tensor::from_vec(pushes, [n, 1])?,
        returns: Tensor::from_vec(returns, [n, 1])?,
        lengths: episodes.iter().map(Vec::len).collect(),
    })
}

/// One update: pushes that were followed by more than what was expected become likelier, and the expectation better.
fn learn(agent: &Agent, train: &mut Train, played: &Played) -> Result<f64> {
    train.step(|tape| {
        let (states, returns) = (tape.input(&played.states), tape.input(&played.returns));
        let expected = agent.value.forward(states);
        let more = (returns - expected).detach();
        let more = (more - more.mean()) / (more.std(0.0) + 1e-6);
        let surprise = bce_with_logits_with(agent.policy.forward(states), tape.input(&played.pushes), Reduction::None);
        (surprise * more).mean() + mse(expected, returns)
    })
}
