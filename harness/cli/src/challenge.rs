//! `busbar challenge`: what a customer hands to a laboratory before a run, so that he knows afterwards that it was made for him.

use std::time::SystemTime;

use evidence::certificate::{Order, SCHEMA};

use crate::{Exit, Failure, bundle};

/// What is known of the order already.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Who wants to know, and how they are reached
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,
    /// What will be handed in, as its label says: maker, type, serial number
    #[arg(long, value_name = "TEXT")]
    item: Option<String>,
}

pub(crate) fn challenge(args: &Args) -> Result<Exit, Failure> {
    let order = Order {
        schema: SCHEMA.to_owned(),
        customer: args.customer.clone(),
        item: args.item.clone(),
        challenge: Some(evidence::certificate::challenge().map_err(bundle::of_key)?),
        given: Some(humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
        ..Order::default()
    };
    crate::answer(&order.text())?;
    Ok(Exit::Pass)
}
