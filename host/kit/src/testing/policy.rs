//! Policies: names and orders of many generated files, with everything that real ones have.

use super::{Values, Wrong};
use filmgate_plugin::{Item, Naming, Ordering, Plugin, Request, Value};

/// Files with numbers, dates, spaces, other scripts, equal sizes and times.
fn items(count: usize) -> Vec<Item> {
    let names = ["seg", "cam 1/seg", "b/2018-09-08 10.15.", "ä-", "映画", ".hidden", "a.tar.", ""];
    let item = |i: usize| Item {
        path: format!("{}{}.mp4", names[i % names.len()], i * 7919 % 1000),
        size: (i as u64 * 7919) % 13,
        modified: 1_536_401_702_000_000 + (i as i64 % 5) * 1_000_000,
        properties: vec![("duration".to_owned(), Value::Integer(6_000_000))],
    };
    (0..count).map(item).collect()
}

/// The host checks that an answer is a permutation; here that it is always the same one.
pub(super) fn ordering(plugin: &Plugin, parameters: &Values) -> Result<(), Wrong> {
    let order = |instance: &mut Ordering, items: &[Item]| {
        instance.order(items).map(|all| all.iter().map(|p| p.item).collect::<Vec<_>>())
    };
    let mut one = Ordering::start(plugin, parameters)?;
    for count in [0, 1, 2, 3, 10, 300] {
        let items = items(count);
        let first = order(&mut one, &items)?;
        let fresh = order(&mut Ordering::start(plugin, parameters)?, &items)?;
        if first != order(&mut one, &items)? || first != fresh {
            return Err(
                format!("orders the same {count} files in another way the next time").into()
            );
        }
    }
    Ok(())
}

/// The host checks that an answer is a name; here that it is always the same one.
pub(super) fn naming(plugin: &Plugin, parameters: &Values) -> Result<(), Wrong> {
    let mut one = Naming::start(plugin, parameters)?;
    let mut fresh = Naming::start(plugin, parameters)?;
    for (index, item) in (0..).zip(items(100)) {
        for attempt in [0, 1] {
            let request = Request {
                sources: vec![item.clone()],
                index,
                attempt,
                position: Some(40_000_000),
                taken: Some(1_536_401_702_000_000),
                extension: "mp4".to_owned(),
                folders: index % 2 == 0,
                ..Request::default()
            };
            let (name, again) = (one.name(&request)?, fresh.name(&request)?);
            if name != again {
                return Err(format!("names the same output {name:?}, then {again:?}").into());
            }
            if !name.ends_with(".mp4") {
                return Err(
                    format!("{name:?} does not end in .mp4, the extension asked for").into()
                );
            }
        }
    }
    Ok(())
}
