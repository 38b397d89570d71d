//! How a refund falls to the titles of its order, to the last minor unit.
//!
//! Everything is worked out from what is *left* of each title, so the errors of rounding do not pile up: each refund is
//! within a minor unit of its exact share, and the one that takes what is left takes exactly that, amount and tax. Titles
//! may be taxed at different rates; so the tax follows each title's own part of the amount.

/// What is left of a title, in minor units: `0 ≤ tax ≤ amount`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) item_id: i64,
    pub(crate) amount: i64,
    pub(crate) tax: i64,
}

/// What of a refund falls to a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) item_id: i64,
    pub(crate) amount: i64,
    pub(crate) tax: i64,
}

/// Spreads `amount` over all titles in proportion to what is left of them. None if it is more than that, or negative.
pub(crate) fn spread(rooms: &[Room], amount: i64) -> Option<Vec<Share>> {
    spread_in(rooms, amount, 1)
}

/// As [`spread`], in whole steps of `step` minor units: of some currencies Stripe moves nothing else
/// ([`crate::types::Currency::step`]), and what is left of each title must be an amount that it moves. Where something that is no
/// multiple of the step is left of a title, or is to be spread, to the last minor unit all the same. Taxes have no steps.
pub(crate) fn spread_in(rooms: &[Room], amount: i64, step: i64) -> Option<Vec<Share>> {
    let left = rooms.iter().try_fold(0_i64, |sum, room| sum.checked_add(room.amount))?;
    if !(0..=left).contains(&amount) {
        return None;
    }
    let whole = step > 1 && rooms.iter().map(|room| room.amount).chain([amount]).all(|minor| minor % step == 0);
    let step = if whole { step } else { 1 };
    let parts: Vec<Part> = rooms.iter().map(|room| Part::of(room.amount / step, amount / step, left / step)).collect();
    let amounts: Vec<i64> = round(&parts, amount / step)?.into_iter().map(|steps| steps * step).collect();
    taxed(rooms, &amounts)
}

/// As [`spread`], but each title in `wanted` first gets what is wanted for it, as far as there is room.
pub(crate) fn spread_wanted(rooms: &[Room], wanted: &[(i64, i64)], amount: i64) -> Option<Vec<Share>> {
    let mut left = amount;
    let mut first = Vec::with_capacity(rooms.len());
    for room in rooms {
        let wish = wanted.iter().find(|(id, _)| *id == room.item_id).map_or(0, |(_, wish)| *wish);
        let part = wish.min(room.amount).min(left).max(0);
        left = left.checked_sub(part)?;
        first.push(part);
    }
    let rest: Vec<Room> =
        rooms.iter().zip(&first).map(|(room, part)| Room { amount: room.amount - part, ..*room }).collect();
    let total = rest.iter().try_fold(0_i64, |sum, room| sum.checked_add(room.amount))?;
    if !(0..=total).contains(&left) {
        return None;
    }
    let parts: Vec<Part> = rest.iter().map(|room| Part::of(room.amount, left, total)).collect();
    let more = round(&parts, left)?;
    let amounts: Vec<i64> = first.iter().zip(&more).map(|(a, b)| a + b).collect();
    taxed(rooms, &amounts)
}

/// The shares of these amounts, one for each title and none more than its room.
fn taxed(rooms: &[Room], amounts: &[i64]) -> Option<Vec<Share>> {
    let parts: Vec<Part> =
        rooms.iter().zip(amounts).map(|(room, amount)| Part::of(room.tax, *amount, room.amount)).collect();
    // Rounded once, half up, and not once for each title.
    let floors = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.floor))?;
    let fractions = parts.iter().try_fold(0_i128, |sum, part| sum.checked_add(part.fraction()))?;
    let total = floors.checked_add(i64::try_from((fractions + Part::ONE / 2) / Part::ONE).ok()?)?;
    let taxes = round(&parts, total)?;
    let share = |((room, amount), tax): ((&Room, &i64), i64)| Share { item_id: room.item_id, amount: *amount, tax };
    Some(rooms.iter().zip(amounts).zip(taxes).map(share).collect())
}

/// `of × part / whole`, exactly: `floor + rest / whole`.
#[derive(Clone, Copy)]
struct Part {
    floor: i64,
    rest: i128,
    whole: i128,
}

impl Part {
    /// One minor unit as [`Part::fraction`] counts.
    const ONE: i128 = 1 << 60;

    fn of(of: i64, part: i64, whole: i64) -> Self {
        let whole = i128::from(whole.max(1));
        let product = i128::from(of) * i128::from(part);
        // Never more than `of`, as `part` is never more than `whole`.
        Self { floor: i64::try_from(product / whole).unwrap_or(of), rest: product % whole, whole }
    }

    /// What is behind the point, in parts of [`Part::ONE`].
    const fn fraction(self) -> i128 {
        self.rest * Self::ONE / self.whole
    }
}

/// Rounds each part down or up so that they come to `total`: those with the largest fraction are rounded up, and of equal
/// ones the first. None if no such rounding exists.
fn round(parts: &[Part], total: i64) -> Option<Vec<i64>> {
    let floors = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.floor))?;
    let missing = usize::try_from(total.checked_sub(floors)?).ok()?;
    let mut order: Vec<usize> = (0..parts.len()).filter(|i| parts.get(*i).is_some_and(|part| part.rest > 0)).collect();
    if missing > order.len() {
        return None;
    }
    order.sort_by_key(|i| parts.get(*i).map(|part| -part.fraction()));
    let mut rounded: Vec<i64> = parts.iter().map(|part| part.floor).collect();
    for i in order.into_iter().take(missing) {
        *rounded.get_mut(i)? += 1;
    }
    Some(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn room(item_id: i64, amount: i64, tax: i64) -> Room {
        Room { item_id, amount, tax }
    }

    #[test]
    fn a_third_of_three_books_is_spread_by_largest_remainder() {
        let rooms = [room(1, 799, 0), room(2, 499, 0), room(3, 1_200, 0)];
        let shares = spread(&rooms, 833).unwrap();
        // 266.43…, 166.40…, 400.16…
        assert_eq!(shares.iter().map(|share| share.amount).collect::<Vec<_>>(), [267, 166, 400]);
        // It is the fraction that counts, and not the place.
        let shares = spread(&[rooms[2], rooms[1], rooms[0]], 833).unwrap();
        assert_eq!(shares.iter().map(|share| share.amount).collect::<Vec<_>>(), [400, 166, 267]);
    }

    #[test]
    fn in_steps_what_is_left_of_each_title_is_an_amount_too() {
        let amounts = |rooms: &[Room], amount| {
            spread_in(rooms, amount, 10).map(|shares| shares.iter().map(|share| share.amount).collect::<Vec<_>>())
        };
        // KWD 0.010 of twice 1.000: not five fils of each.
        let rooms = [room(1, 1_000, 0), room(2, 1_000, 0)];
        assert_eq!(amounts(&rooms, 10), Some(vec![10, 0]));
        assert_eq!(amounts(&rooms, 2_010), None);
        // What was refunded elsewhere knows no steps.
        assert_eq!(amounts(&[room(1, 995, 0), room(2, 995, 0)], 10), Some(vec![5, 5]));
        assert_eq!(amounts(&rooms, 5), Some(vec![3, 2]));
    }

    #[test]
    fn the_tax_is_the_orders_share_and_the_last_refund_takes_the_rest() {
        // 19 % on one title: a third, a third, and what is left.
        let (mut left, mut taxes) = (room(1, 1_190, 190), Vec::new());
        for amount in [397, 397, 396] {
            let share = spread(&[left], amount).unwrap()[0];
            (left.amount, left.tax) = (left.amount - share.amount, left.tax - share.tax);
            taxes.push(share.tax);
        }
        assert_eq!((taxes, left), (vec![63, 64, 63], room(1, 0, 0)));
    }

    #[test]
    fn a_minor_unit_at_a_time_never_refunds_more_tax_than_money() {
        let mut left = room(1, 100, 19);
        for _ in 0..100 {
            let share = spread(&[left], 1).unwrap()[0];
            assert!((0..=1).contains(&share.tax));
            (left.amount, left.tax) = (left.amount - 1, left.tax - share.tax);
            assert!((0..=left.amount).contains(&left.tax), "{left:?}");
        }
        assert_eq!(left.tax, 0);
    }

    #[test]
    fn what_is_wanted_comes_first_and_what_does_not_fit_goes_to_the_others() {
        let rooms = [room(1, 300, 0), room(2, 500, 0), room(3, 500, 0)];
        let amounts = |wanted: &[(i64, i64)], amount| {
            spread_wanted(&rooms, wanted, amount).map(|shares| shares.iter().map(|s| s.amount).collect::<Vec<_>>())
        };
        assert_eq!(amounts(&[(2, 500)], 500), Some(vec![0, 500, 0]));
        assert_eq!(amounts(&[(1, 799)], 799), Some(vec![300, 250, 249]));
        assert_eq!(amounts(&[], 1_301), None);
    }

    #[test]
    fn more_than_is_left_is_refused() {
        assert_eq!(spread(&[room(1, 500, 0)], 501), None);
        assert_eq!(spread(&[room(1, 500, 0)], -1), None);
        assert_eq!(spread(&[], 1), None);
        assert_eq!(spread(&[room(1, i64::MAX, 0), room(2, 1, 0)], 1), None);
        // The largest amounts there are do not overflow on the way.
        let large = i64::MAX / 2;
        let shares = spread(&[room(1, large, large / 5), room(2, large, large / 7)], large).unwrap();
        assert_eq!(shares.iter().map(|share| share.amount).sum::<i64>(), large);
    }

    /// An order's titles: some free, some dear, each with a tax rate of its own.
    fn an_order() -> impl Strategy<Value = Vec<Room>> {
        let price = prop_oneof![1 => Just(0_i64), 3 => 1_i64..50, 6 => 1_i64..1_000_000, 1 => 1_i64..i64::MAX / 64];
        proptest::collection::vec((price, 0_i64..=10_000), 1..8).prop_map(|titles| {
            let room = |(id, (amount, rate)): (i64, (i64, i64))| {
                let tax = i64::try_from(i128::from(amount) * i128::from(rate) / 10_000).unwrap();
                Room { item_id: id, amount, tax }
            };
            (0_i64..).zip(titles).map(room).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Of a currency with steps: every sum is exact, and every share, and what it leaves, is a multiple of the step.
        #[test]
        fn a_spread_in_steps_is_exact_and_leaves_whole_steps(
            order in an_order(),
            step in prop_oneof![Just(10_i64), Just(100)],
            permille in 0_u32..=1_000,
        ) {
            let whole = |minor: i64| minor / step * step;
            let cut = |room: Room| Room { amount: whole(room.amount), tax: room.tax.min(whole(room.amount)), ..room };
            let rooms: Vec<Room> = order.into_iter().map(cut).collect();
            let all: i64 = rooms.iter().map(|room| room.amount).sum();
            let amount = whole(i64::try_from(i128::from(all) * i128::from(permille) / 1_000).unwrap());
            let shares = spread_in(&rooms, amount, step).unwrap();
            prop_assert_eq!(shares.iter().map(|share| share.amount).sum::<i64>(), amount);
            for (room, share) in rooms.iter().zip(&shares) {
                prop_assert_eq!(room.item_id, share.item_id);
                prop_assert_eq!(share.amount % step, 0);
                prop_assert!((0..=room.amount).contains(&share.amount), "{:?} of {:?}", share, room);
                prop_assert!((0..=share.amount).contains(&share.tax));
                prop_assert!((0..=room.amount - share.amount).contains(&(room.tax - share.tax)), "{:?}", room);
            }
        }

        /// Refunds of any size, some of which fail later, until nothing is left: every sum is exact at every step.
        #[test]
        fn the_sums_of_any_sequence_of_refunds_are_exact(
            order in an_order(),
            steps in proptest::collection::vec((0_u32..=1_000, 0_u8..8, any::<prop::sample::Index>()), 1..12),
        ) {
            let mut left = order.clone();
            let mut living: Vec<Vec<Share>> = Vec::new();
            let last = (1_000, 7, steps[0].2);
            for (permille, choice, which) in steps.into_iter().chain([last]) {
                if choice == 0 && !living.is_empty() {
                    // It comes back, and with it exactly what it took.
                    for (room, share) in left.iter_mut().zip(living.remove(which.index(living.len()))) {
                        (room.amount, room.tax) = (room.amount + share.amount, room.tax + share.tax);
                    }
                    continue;
                }
                let all: i64 = left.iter().map(|room| room.amount).sum();
                let amount = i64::try_from(i128::from(all) * i128::from(permille) / 1_000).unwrap();
                let named = order[which.index(order.len())].item_id;
                let shares = if choice < 3 {
                    spread_wanted(&left, &[(named, amount)], amount).unwrap()
                } else {
                    spread(&left, amount).unwrap()
                };
                prop_assert_eq!(shares.iter().map(|share| share.amount).sum::<i64>(), amount);
                for (room, share) in left.iter_mut().zip(&shares) {
                    prop_assert_eq!(room.item_id, share.item_id);
                    // Within a minor unit of its exact part of the title's tax.
                    let exact = i128::from(room.tax) * i128::from(share.amount);
                    let whole = i128::from(room.amount.max(1));
                    prop_assert!((i128::from(share.tax) * whole - exact).abs() < whole, "{:?} of {:?}", share, room);
                    prop_assert!((0..=share.amount).contains(&share.tax));
                    (room.amount, room.tax) = (room.amount - share.amount, room.tax - share.tax);
                    prop_assert!((0..=room.amount).contains(&room.tax), "{:?}", room);
                }
                living.push(shares);
            }
            // The last step took what was left: nothing remains, and the refunds have given back the whole order.
            prop_assert!(left.iter().all(|room| room.amount == 0 && room.tax == 0), "{:?}", left);
            for title in &order {
                let all = living.iter().flatten().filter(|share| share.item_id == title.item_id);
                let (amount, tax) = all.fold((0, 0), |(a, t), share| (a + share.amount, t + share.tax));
                prop_assert_eq!((amount, tax), (title.amount, title.tax));
            }
        }
    }
}
