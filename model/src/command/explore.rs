//! `explore`: serves stateright's Explorer on one configuration.

use clap::Args;
use fell_model::explore::serve;
use fell_model::suite::entries;
use std::net::SocketAddr;
use std::process::ExitCode;

/// The words behind `explore`.
#[derive(Args)]
pub(crate) struct Explore {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// A configuration of the suite: its name, or the first one whose name contains this
    #[arg(long, value_name = "CONFIG", default_value = "all, 2 by 2")]
    only: String,
}

impl Explore {
    /// Serves until it is ended.
    pub(crate) fn run(&self) -> ExitCode {
        let configs: Vec<_> = entries().into_iter().map(|entry| entry.config).collect();
        let found = configs
            .iter()
            .find(|config| config.name == self.only)
            .or_else(|| configs.iter().find(|c| c.name.contains(&self.only)));
        let Some(config) = found else {
            let names: Vec<&str> = configs.iter().map(|config| config.name.as_str()).collect();
            eprintln!("there is no configuration {:?}; there are:", self.only);
            eprintln!("  {}", names.join("\n  "));
            return ExitCode::FAILURE;
        };
        println!("{}: http://{}/", config.name, self.listen);
        match serve(config.clone(), self.listen) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", self.listen);
                ExitCode::FAILURE
            }
        }
    }
}
