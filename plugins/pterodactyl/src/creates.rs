//! One create at a time per panel: parallel ones can draw the same allocation, and the loser gets a 500.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

type Turn = tokio::sync::Mutex<()>;

/// Hands out the turn to create on a panel.
#[derive(Debug, Default)]
pub(crate) struct Creates {
    /// By base address; a panel nobody is creating on has none.
    turns: Mutex<HashMap<String, Weak<Turn>>>,
}

impl Creates {
    /// Waits for the turn; it lasts until the guard is dropped.
    pub(crate) async fn turn(&self, panel: &str) -> OwnedMutexGuard<()> {
        let turn = self.current(panel);
        turn.lock_owned().await
    }

    fn current(&self, panel: &str) -> Arc<Turn> {
        // Nothing panics while holding it, and every state of the map is a valid one.
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(panel).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::default());
        turns.insert(panel.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_excludes_others_on_the_same_panel_only() {
        let creates = Creates::default();
        let first = creates.turn("https://a").await;
        let _elsewhere = creates.turn("https://b").await;
        let mut second = Box::pin(creates.turn("https://a"));
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(second.as_mut().poll(context).is_pending())).await
        );
        drop(first);
        second.await;
    }
}
