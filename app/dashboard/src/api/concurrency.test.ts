import { expect, test, vi } from "vitest";
import { limitConcurrency } from "./concurrency";

/** A task that the test ends. */
function createTask() {
  let hasStarted = false;
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const task = () => {
    hasStarted = true;
    return ended;
  };
  return { task, end: () => end(), hasStarted: () => hasStarted };
}

function expectStarted(tasks: readonly ReturnType<typeof createTask>[], expected: boolean[]) {
  return vi.waitFor(() => {
    expect(tasks.map((task) => task.hasStarted())).toEqual(expected);
  });
}

const noAbort = new AbortController().signal;

test("at most two tasks run, and the next one starts when one ends", async () => {
  const run = limitConcurrency(2);
  const tasks = [createTask(), createTask(), createTask(), createTask()] as const;

  const results = tasks.map(({ task }) => run(task, noAbort));
  await expectStarted(tasks, [true, true, false, false]);
  tasks[1].end();
  await expectStarted(tasks, [true, true, true, false]);
  tasks[0].end();
  tasks[2].end();
  tasks[3].end();
  await Promise.all(results);
});

test("a task that is aborted while it waits never starts, and keeps no place", async () => {
  const run = limitConcurrency(1);
  const [first, second, third] = [createTask(), createTask(), createTask()];
  const controller = new AbortController();

  const firstResult = run(first.task, noAbort);
  const secondResult = run(second.task, controller.signal);
  const thirdResult = run(third.task, noAbort);
  controller.abort();
  await expect(secondResult).rejects.toThrow("aborted");
  first.end();
  await firstResult;
  third.end();
  await thirdResult;

  expect([second.hasStarted(), third.hasStarted()]).toEqual([false, true]);
});
