export { type Undo, UndoStack } from './undo-stack.ts';
