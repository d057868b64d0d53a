//! Threads for what takes milliseconds and waits most of the time, such as launches: few, so that the event loop's thread
//! gets its turn when hundreds are asked for at once, and not libuv's four, which Node's own files and names need.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, PoisonError},
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    queue: Mutex<Queue>,
    filled: Condvar,
}

struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Pool =
    Pool { queue: Mutex::new(Queue { jobs: VecDeque::new(), threads: 0, idle: 0 }), filled: Condvar::new() };

/// Has a job done, now or when its turn comes. Fails when there is no thread to be had at all.
pub fn run(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut queue = POOL.queue.lock().unwrap_or_else(PoisonError::into_inner);
    if queue.idle <= queue.jobs.len() && queue.threads < most() {
        match thread::Builder::new().name("gantry".into()).spawn(work) {
            Ok(_) => queue.threads += 1,
            Err(error) if queue.threads == 0 => return Err(error),
            // The others will come to it.
            Err(_) => {}
        }
    }
    queue.jobs.push_back(Box::new(job));
    POOL.filled.notify_one();
    Ok(())
}

/// Twice as many as processors, since a launch waits for its init half of the time; and enough that one that hangs, on
/// a hook or a file system, holds up nobody else.
fn most() -> usize {
    thread::available_parallelism().map_or(4, |processors| (2 * processors.get()).max(4))
}

fn work() {
    let mut queue = POOL.queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        match queue.jobs.pop_front() {
            Some(job) => {
                drop(queue);
                job();
                queue = POOL.queue.lock().unwrap_or_else(PoisonError::into_inner);
            }
            None => {
                queue.idle += 1;
                queue = POOL.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }
}
