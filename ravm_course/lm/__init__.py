"""Neural language models.

:mod:`ravm_course.lm.gpt` is the Transformer that predicts the next token;
:mod:`ravm_course.lm.sampling` turns its scores into a choice, and :mod:`ravm_course.lm.generate`
writes on. :mod:`ravm_course.lm.bert` restores hidden tokens. :mod:`ravm_course.lm.t5` and
:mod:`ravm_course.lm.seq2seq` write one text from another, and :mod:`ravm_course.lm.beam` searches
for the most probable one; :mod:`ravm_course.lm.translate` trains such a pair and lets it write.
:mod:`ravm_course.lm.objectives` has the exercises that a text sets by itself, and
:mod:`ravm_course.lm.pretraining` the three models that were trained on one each;
:mod:`ravm_course.lm.finetune` makes classifiers of them, for :mod:`ravm_course.lm.speech_tasks`.
:mod:`ravm_course.lm.lora` adapts any model by a difference of low rank.
:mod:`ravm_course.lm.contexts` keeps a vector for each short context, and
:mod:`ravm_course.lm.context_lstm` puts an LSTM beside it.
:mod:`ravm_course.lm.recurrent` reads with a state instead of a context.
:mod:`ravm_course.lm.speech_tokens` is the text of the race, :mod:`ravm_course.lm.scoring` what a
model pays for it.
"""

from ravm_course.lm.beam import beam_search
from ravm_course.lm.bert import BERT, BERTConfig
from ravm_course.lm.generate import generate
from ravm_course.lm.gpt import GPT, GPTConfig, next_token_loss
from ravm_course.lm.lora import add_lora, merge_lora
from ravm_course.lm.pretrained import load_speech_gpt
from ravm_course.lm.recurrent import RecurrentLM, RecurrentLMConfig, score_texts
from ravm_course.lm.sampling import next_probabilities
from ravm_course.lm.scoring import token_log_probs
from ravm_course.lm.seq2seq import Seq2Seq, Seq2SeqConfig
from ravm_course.lm.speech_tokens import SpeechTokens, load_speech_tokens
from ravm_course.lm.t5 import T5, T5Config

__all__ = [
    "BERT",
    "GPT",
    "T5",
    "BERTConfig",
    "GPTConfig",
    "RecurrentLM",
    "RecurrentLMConfig",
    "Seq2Seq",
    "Seq2SeqConfig",
    "SpeechTokens",
    "T5Config",
    "add_lora",
    "beam_search",
    "generate",
    "load_speech_gpt",
    "load_speech_tokens",
    "merge_lora",
    "next_probabilities",
    "next_token_loss",
    "score_texts",
    "token_log_probs",
]
