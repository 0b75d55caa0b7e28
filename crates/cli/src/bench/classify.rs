//! How long one description takes to classify, on one core; and the wording to be read, once.

use trade::classification::measure::labelled;
use trade::classification::{AskClassification, BUILTIN, Classifier, Wording};

use super::{Meter, instant};

const GOODS: &str = include_str!("../../../../samples/classify/development.csv");

#[derive(clap::Args)]
pub struct Options {
    /// Texts that are measured.
    #[arg(long, default_value_t = 10_000)]
    texts: usize,
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), String> {
    let goods = labelled(GOODS).map_err(|e| format!("{e:?}"))?;
    let meter = Meter::start();
    let began = instant();
    let classifier = Classifier::of(Wording::read(BUILTIN).map_err(|e| format!("{e:?}"))?);
    let held = u64::try_from(classifier.codes().count()).unwrap_or(0);
    meter.stop("classify-wording", "rules", held, 1, vec![began.elapsed()]).print(options.json);
    let meter = Meter::start();
    let mut latencies = Vec::with_capacity(options.texts);
    let mut found = 0_usize;
    for one in goods.iter().cycle().take(options.texts) {
        let ask = AskClassification { text: one.text.clone(), answers: Vec::new() };
        let began = instant();
        found += usize::from(classifier.classify(&ask).is_ok());
        latencies.push(began.elapsed());
    }
    if found == 0 {
        return Err("nothing is found of any text".to_owned());
    }
    let count = u64::try_from(latencies.len()).unwrap_or(0);
    meter.stop("classify", "rules", held, count, latencies).print(options.json);
    Ok(())
}
