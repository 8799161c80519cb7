// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');
const { table } = require('../schema.js');
const check = require('./check.js');
const { insert } = require('./insert.js');
const { noFlows } = require('./shape.js');
const { readJob } = require('./options.js');

/** @import { Store } from './store.js' */
/** @import { NewJob } from './options.js' */

/**
 * A parent with its children, of any depth.
 *
 * @typedef {object} FlowIds the ids of a flow, in its shape
 * @property {string} id
 * @property {FlowIds[]} children
 *
 * @typedef {object} Node
 * @property {NewJob} job
 * @property {Node[]} children
 */

/** Jobs of one flow. A tree that contains itself ends here too. */
const MAX_JOBS = 100000;
const KEYS = ['name', 'data', 'options', 'children'];
const MISTAKES = { opts: 'options', child: 'children', queueName: 'options' };

const CHILDREN = `SELECT id FROM ${table} WHERE parent_job_id = ? ORDER BY rowid`;

/**
 * Checks a whole tree before anything is written. Trees may be deeper than the stack, so nothing here calls itself.
 * @param {unknown} tree
 * @param {string} queue
 * @param {number} now
 * @returns {Node} the root
 */
function readFlow(tree, queue, now) {
  const root = /** @type {Node} */ ({});
  /** @type {{node: Node, given: unknown, path: string}[]} */
  const rest = [{ node: root, given: tree, path: 'the flow' }];
  for (let count = 1; rest.length > 0; count++) {
    if (count > MAX_JOBS) throw check.badJob(`a flow can have at most ${MAX_JOBS} jobs; this one has more, or contains itself`);
    const { node, given, path } = /** @type {typeof rest[0]} */ (rest.pop());
    try {
      const children = readNode(node, given, queue, now, node !== root);
      node.children = children.map(() => /** @type {Node} */ ({}));
      // Last in, first out: the first child's turn comes first.
      for (let n = children.length - 1; n >= 0; n--) {
        rest.push({ node: node.children[n], given: children[n], path: path === 'the flow' ? `children[${n}]` : `${path}.children[${n}]` });
      }
    } catch (error) {
      throw error instanceof LlmJobsError ? new LlmJobsError(error.code, `${shorten(path)}: ${error.message}`) : error;
    }
  }
  return root;
}

/**
 * @param {Node} node
 * @param {unknown} given
 * @param {string} queue
 * @param {number} now
 * @param {boolean} isChild
 * @returns {unknown[]} its children as they were given
 */
function readNode(node, given, queue, now, isChild) {
  const { name, data, options, children = [] } = check.object(given, 'a job of a flow', '{name, data, options, children: [...]}');
  check.keys(/** @type {Record<string, unknown>} */ (given), 'a job of a flow', KEYS, MISTAKES);
  if (!Array.isArray(children)) throw check.badJob(`children must be an array of jobs {name, data, options, children}; got ${describe(children)}`);
  const job = readJob(name, data, options, queue, now);
  if (job.repeats) throw check.badJob('options.repeat is not for flows: only this job would come again, without the others; add a job that repeats and adds the flow');
  if (isChild && job.parentId !== null) throw check.badJob('options.parentId is set by the flow; leave it out');
  if (children.length > 0) {
    job.status = 'waiting-children';
    job.dependencyCount = children.length;
  }
  job.inFlow = isChild;
  node.job = job;
  return children;
}

/**
 * @param {Store} store
 * @param {Node} root
 * @param {number} now
 * @returns {FlowIds}
 */
function insertFlow(store, root, now) {
  if (root.children.length > 0 && !store.shape().waitsForChildren) throw noFlows();
  const first = insert(store, root.job, now);
  if (!first.added) return readIds(store, first.id);
  /** @type {FlowIds} */
  const ids = { id: first.id, children: [] };
  /** @type {{node: Node, ids: FlowIds}[]} */
  const rest = [{ node: root, ids }];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    // All children of a parent, then theirs: their order of arrival is that of the array.
    for (const node of next.node.children) {
      node.job.parentId = next.ids.id;
      const { id, added } = insert(store, node.job, now);
      if (!added) {
        throw check.badJob(
          `a child of the flow has dedupKey ${describe(node.job.dedupKey)}, and job ${describe(id)}, which has not ended, has it too: a job can be a child once only`
        );
      }
      const child = { id, children: [] };
      next.ids.children.push(child);
      rest.push({ node, ids: child });
    }
  }
  return ids;
}

/**
 * The flow that has the root's dedupKey already.
 * @param {Store} store
 * @param {string} id
 * @returns {FlowIds}
 */
function readIds(store, id) {
  /** @type {FlowIds} */
  const root = { id, children: [] };
  const rest = [root];
  for (let next = rest.pop(), count = 1; next !== undefined && count < MAX_JOBS; next = rest.pop()) {
    next.children = store.all(CHILDREN, [next.id]).map((row) => ({ id: row.id, children: [] }));
    count += next.children.length;
    rest.push(...next.children);
  }
  return root;
}

/** @param {string} path */
function shorten(path) {
  return path.length > 200 ? `…${path.slice(-200)}` : path;
}

module.exports = { readFlow, insertFlow };
