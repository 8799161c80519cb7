// SPDX-License-Identifier: MIT
'use strict';

/** What is read on the pictures of the example app. */

/** Texts that are being read, with the beginnings of their answers. */
const texts = [
  {
    task: 'explain',
    text: 'Why the sky is blue and not violet\nSunlight is scattered by the molecules of the air, and short waves more than long ones.',
    answer:
      'Sunlight is a mixture of all colours. When it meets the air, its small molecules send the short waves, blue and violet, in every direction, ' +
      'and let the long ones pass. Violet is scattered most of all, but there is less of it in sunlight, the upper air swallows a part, and our eyes see it poorly. ' +
      'What is left for us to see from all sides is blue. In the evening the light comes a longer way through the air, so that even more of the blue is lost, ' +
      'and what arrives is orange and red.',
  },
  {
    task: 'summarise',
    text: 'On the care of old stone bridges\nWater is the enemy of a bridge of stone, and its friend is the mason who looks at it every spring.',
    answer:
      'An old bridge of stone lasts as long as water is kept out of it. The author asks for a visit in every spring: clear the drains, rake out and fill open joints ' +
      'with lime and never with cement, and pull young trees before their roots are thick. Whoever waits until stones have moved pays for scaffolding; whoever looks in ' +
      'time pays for an afternoon.',
  },
  {
    task: 'question',
    text: 'A letter about the bees of our valley\nSince the new orchard has been planted, the hives stand half a mile further up.',
    answer:
      '1. How many hives were there before the orchard was planted, and how many are there now? 2. Which of the losses of the last winter can be explained by the weather ' +
      'alone? 3. Who paid for the move, and who decides about the next one?',
  },
  { task: 'summarise', text: 'Minutes of the garden committee\nPresent were nine members and two guests.', answer: 'Nine members and two guests agreed on the new path, and on who is to lay it: the members in spring, the guests with cake.' },
];

const titles = [
  ['The history of the pencil', 'summarise', 'Graphite from Borrowdale was first wrapped in string, then in wood; the clay that makes it hard or soft came two hundred years later.'],
  ['How bread rises', 'explain', 'Yeast eats sugar and breathes out gas. The dough is elastic enough to hold it, so it grows like many small balloons.'],
  ['Tides, and why there are two a day', 'explain', 'The moon pulls the near side of the sea more than the earth, and the earth more than the far side.'],
  ['On the naming of ships', 'question', 'Who keeps the register? When may a name be used again? What happened to the second “Endeavour”?'],
  ['A visit to the lighthouse', 'summarise', 'The lamp is electric now, but the stairs are still counted: two hundred and eleven.'],
  ['Notes for the school play', 'summarise', 'Three acts, eleven parts, one donkey; the donkey is to be shared with the other school.'],
  ['What the old maps leave out', 'question', 'Who paid for the survey? Which villages had moved by then? Why does the river end at the margin?'],
  ['Repairing a violin bow', 'summarise', 'The hair is the easy part; the wedge that holds it takes an afternoon.'],
  ['Why bridges hum in the wind', 'explain', 'Behind each cable the air curls to one side and to the other, and pushes it at its own pace.'],
  ['A year of the weather station', 'summarise', 'The wettest June since the station was built, and the mildest December.'],
  ['The recipe book of 1741', 'explain', 'Weights are in the old pound, heat is told by how long a hand can bear it.'],
  ['Rules of the rowing club', 'question', 'Who may take the blue boat? What is a “fair tide”? When were the fines last raised?'],
];

/** Texts that were read in the last half hour; the numbers are made, and the same in each run. */
const earlier = Array.from({ length: 46 }, (_, index) => {
  const [title, task, answer] = titles[index % titles.length];
  // A little more in the middle, a pause in between.
  const minutesAgo = 1 + ((index * 7) % 29) * (index % 5 === 4 ? 0.5 : 1);
  return { task, text: title, answer, minutesAgo, outputTokens: 90 + ((index * 53) % 170) };
}).filter(({ minutesAgo }) => minutesAgo < 12 || minutesAgo > 15);

/** @param {import('../../js/testing/log.js').Recorded} request */
function answerTo(request) {
  const prompt = /** @type {string} */ (/** @type {any} */ (request.body).messages.at(-1).content);
  return { text: texts.find(({ text }) => prompt.includes(text))?.answer ?? 'Done.' };
}

module.exports = { texts, earlier, answerTo };
