import { randomInt } from 'node:crypto';
import { badRequest } from '../errors.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function checkName(name: string): void {
  if (!NAME.test(name)) throw badRequest(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

const ADJECTIVES =
  'able agile amber brave bright brisk calm candid clever crisp curious eager early fair fleet fond frank fresh gentle glad golden happy hardy honest humble jolly keen kind lively loyal lucid lucky mellow merry mild modest neat nimble noble patient plucky polite prime proud quick quiet rapid ready royal shy silver sleek smart snug solid sound steady still sunny swift tidy true vivid warm wise witty young zesty'.split(
    ' ',
  );
const NOUNS =
  'anchor badger barge beacon birch bittern bollard bosun breeze brook buoy capstan cedar cleat clipper cormorant crane cutter dinghy dock dolphin eddy egret falcon fender ferry fjord galley gannet gull halyard harbour hawser heron hull island jetty keel ketch kestrel lagoon lantern lugger marlin mast mooring narwhal oar osprey otter pelican petrel pier pilot plover porpoise quay rudder sail schooner seal skiff sloop spar sprit tern tiller trawler tug walrus wharf yawl'.split(
    ' ',
  );

/** A name for a container that got none; after a few that were taken, with a number. */
export function generatedName(attempt: number): string {
  const name = `${ADJECTIVES[randomInt(ADJECTIVES.length)]}_${NOUNS[randomInt(NOUNS.length)]}`;
  return attempt < 3 ? name : `${name}${randomInt(100_000)}`;
}
