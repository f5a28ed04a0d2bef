//! `ocelli search`: from a network that was made by hand to one that is better for its time.

mod args;
mod begin;
mod results;
mod watch;

use ocelli::methods::search::{self, End, Proxy};
use ocelli::train::Machine;

pub(crate) use args::Args;

use crate::failure::Done;
use crate::settings::Settings;
use crate::signals;
use begin::BegunSearch;
use results::Results;
use watch::Watch;

/// Searches until all trials are made or a signal comes.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let stop = signals::stop_flag()?;
    let device = settings.open_device()?;
    let machine = Machine { device, threads: settings.threads, rank: 0, world_size: 1 };
    let BegunSearch { plan, folder } = begin::plan(args, settings.seed)?;
    let claimed = folder.claim()?;
    let folder = claimed.path();
    let watch = Watch::new(plan.config().trials);
    let mut trial = watch.trial();
    let proxy = Proxy::new(&plan, &machine, folder.join("trial"), &mut trial, &stop);
    let mut proxy = proxy.inspect_err(|_| claimed.give_up())?;
    let mut ledger = begin::open(&claimed, &plan)?;
    let (done, trials) = (ledger.trials().len(), plan.config().trials);
    let networks = plan.space().size();
    tracing::info!(
        "{}: {done} of {trials} trials are made; {networks:.2e} networks",
        folder.display()
    );
    let end = search::run(&plan, &mut ledger, &mut proxy, &mut |event| watch.notice(event))?;
    watch.end();

    let results = Results::new(&plan, ledger.trials(), end, folder);
    results.write()?;
    results.show(&mut settings.output)?;
    settings.output.finish(&results.json())?;
    if end == End::Interrupted {
        let path = folder.display();
        tracing::info!("interrupted; go on with `ocelli search --resume {path}`");
        return Ok(Done::Interrupted);
    }
    Ok(Done::Complete)
}
