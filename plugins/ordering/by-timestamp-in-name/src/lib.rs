//! The order of the dates and times that stand in names: `cam_20180908-101502.mp4`.

mod stamp;

use filmgate_plugin::{
    Description, Error, Item, Ordering, Parameter, Parameters, Placement, export_ordering,
};
use stamp::Stamp;

struct ByTimestamp {
    /// files without one come last; or end the job
    last: bool,
}

impl Ordering for ByTimestamp {
    fn describe() -> Description {
        Description::new(
            "by-timestamp-in-name",
            env!("CARGO_PKG_VERSION"),
            "orders by the date and time in a file's name, such as 20180908-101502",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::choice(
                "missing",
                "what becomes of names without one: refuse them all, or put them last",
                ["refuse", "last"],
            )
            .default("refuse"),
        )
    }

    fn configure(parameters: &Parameters) -> Result<Self, Error> {
        Ok(ByTimestamp { last: parameters.choice("missing")? == "last" })
    }

    fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, Error> {
        let stamps: Vec<Option<Stamp>> = items.iter().map(|i| Stamp::find(&i.path)).collect();
        if let Some(none) = stamps.iter().position(Option::is_none).filter(|_| !self.last) {
            return Err(Error::failed(format!(
                "there is no date and time such as 20180908-101502 in the name {}",
                items[none].path
            )));
        }
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|&i| (stamps[i].is_none(), stamps[i], &items[i].path));
        let reason = |i: usize| stamps[i].map_or_else(|| "no time in its name".into(), Stamp::text);
        Ok(order.into_iter().map(|i| Placement { item: i as u32, reason: reason(i) }).collect())
    }
}

export_ordering!(ByTimestamp);

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(missing: &str, paths: &[&str]) -> Result<Vec<(u32, String)>, Error> {
        let item = |path: &&str| Item {
            path: (*path).to_owned(),
            size: 1,
            modified: 0,
            properties: Vec::new(),
        };
        let items: Vec<Item> = paths.iter().map(item).collect();
        let parameters = Parameters::new([("missing", missing.into())]);
        let placed = ByTimestamp::configure(&parameters)?.order(&items)?;
        Ok(placed.into_iter().map(|p| (p.item, p.reason)).collect())
    }

    #[test]
    fn time_decides_and_not_what_stands_before_it() {
        let order = ordered("refuse", &["b_20180908-101502.mp4", "a_20180908-101503.mp4"]);
        let order = order.expect("both have one");
        assert_eq!(order[0], (0, "2018-09-08 10:15:02".into()));
        assert_eq!(order[1].0, 1);
    }

    #[test]
    fn names_without_a_time_are_refused_or_last() {
        let paths = ["x.mp4", "20180908T101502Z.mp4"];
        assert!(ordered("refuse", &paths).expect_err("one has none").message().contains("x.mp4"));
        assert_eq!(ordered("last", &paths).expect("an order")[0].0, 1);
    }
}
