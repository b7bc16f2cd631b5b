//! How Hostwright behaves, seen from outside: objects in, servers on a panel out.

mod absence;
mod accepted;
mod answers;
mod checkout;
mod controllers;
mod cost;
mod crashes;
mod credentials;
mod deletion;
mod deletion_order;
mod drift;
mod edges;
mod holders;
mod identity;
mod isolation;
mod lifecycle;
mod limits;
mod outage;
mod overdue;
mod refusals;
mod renewal;
mod retention;
mod secrets;
mod selections;
mod stale;
mod stock;
